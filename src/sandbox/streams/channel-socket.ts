/** WebSocket messages whose first byte says which channel they belong to: `v4.channel.k8s.io` and `v5.channel.k8s.io`. */
import type { Duplex } from 'node:stream';
import { Readable, Writable } from 'node:stream';
import { createFrameParser, frameHeader, OPCODE } from '../../kube/websocket-frames.ts';
import { CHANNEL_BOUND } from './limits.ts';

/** Version 5: the next byte names a channel that carries no more. */
const CLOSE_CHANNEL = 255;

export interface ChannelSocket {
  /** What the client sends on a channel. */
  readable(channel: number): Readable;
  /** What goes to the client; ending it ends only itself. */
  writable(channel: number): Writable;
  /** Sends `message` without waiting. */
  send(channel: number, message: Buffer): void;
  readonly closed: Promise<void>;
  /** With the closing handshake, after everything that was written. */
  close(): void;
}

/** @param socket whose opening handshake is done. */
export function createChannelSocket(socket: Duplex): ChannelSocket {
  const readables = new Map<number, Readable>();
  const over = Promise.withResolvers<void>();
  let channel: number | undefined;
  let closeSent = false;

  function frame(opcode: number, ...parts: Buffer[]): boolean {
    if (socket.destroyed || socket.writableEnded) return true;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    socket.cork();
    let more = socket.write(frameHeader(opcode, length, undefined));
    for (const part of parts) more = socket.write(part);
    socket.uncork();
    return more;
  }
  function endAll(): void {
    for (const readable of readables.values()) if (!readable.readableEnded) readable.push(null);
    over.resolve();
  }
  function close(): void {
    if (closeSent) return;
    closeSent = true;
    frame(OPCODE.close, Buffer.from([0x03, 0xe8]));
    socket.end();
  }

  const parser = createFrameParser(true, {
    onData(chunk, start) {
      if (start) channel = undefined;
      if (chunk.length === 0) return;
      let bytes = chunk;
      if (channel === undefined) {
        channel = chunk[0] ?? 0;
        bytes = chunk.subarray(1);
      }
      if (bytes.length === 0) return;
      if (channel === CLOSE_CHANNEL) {
        const ended = readables.get(bytes[0] ?? CLOSE_CHANNEL);
        if (ended !== undefined && !ended.readableEnded) ended.push(null);
      } else if (readables.get(channel)?.push(bytes) === false) socket.pause();
    },
    onControl(opcode, payload) {
      if (opcode === OPCODE.ping) frame(OPCODE.pong, payload);
      else if (opcode === OPCODE.close) {
        close();
        endAll();
      }
    },
  });
  socket.on('data', (chunk: Buffer) => {
    try {
      parser.push(chunk);
    } catch {
      // A peer that breaks the protocol gets no answer that it would understand.
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('close', endAll);

  return {
    closed: over.promise,
    close,
    send: (to, message) => void frame(OPCODE.binary, Buffer.from([to]), message),
    readable(from) {
      const readable = new Readable({ highWaterMark: CHANNEL_BOUND, read: () => socket.resume() });
      readable.on('error', () => socket.destroy());
      readables.set(from, readable);
      return readable;
    },
    writable(to) {
      const prefix = Buffer.from([to]);
      const writable = new Writable({
        highWaterMark: CHANNEL_BOUND,
        write(chunk: Buffer, _encoding, done) {
          if (frame(OPCODE.binary, prefix, chunk) || socket.destroyed) {
            done();
            return;
          }
          const go = () => {
            socket.off('drain', go).off('close', go);
            done();
          };
          socket.on('drain', go).on('close', go);
        },
      });
      // what a process prints after its client has gone: nobody is there to be told
      writable.on('error', () => writable.destroy());
      return writable;
    },
  };
}

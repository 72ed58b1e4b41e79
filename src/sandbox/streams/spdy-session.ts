/**
 * The server's end of SPDY/3.1 as Kubernetes uses it: the client opens streams, nobody counts windows (the Go library on the other
 * side never did). So a stream that is not read holds up its connection, and what the client opens is all there is.
 */
import { Duplex } from 'node:stream';
import { CHANNEL_BOUND, CONTROL_LIMIT } from './limits.ts';
import { createHeaderCodec } from './spdy-headers.ts';

const TYPE = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
const FIN = 1;

/** A stream that the client opened. Its ends close one by one. */
export interface SpdyStream extends Duplex {
  readonly headers: Record<string, string>;
}

export interface SpdySession {
  /** Resolves when the connection is over, however it ended. */
  readonly closed: Promise<void>;
  close(): void;
}

class Stream extends Duplex implements SpdyStream {
  readonly headers: Record<string, string>;
  readonly #id: number;
  readonly #send: (id: number, flags: number, data: Buffer) => Promise<void>;
  #wanted: () => void = () => {};

  constructor(id: number, headers: Record<string, string>, send: (id: number, flags: number, data: Buffer) => Promise<void>) {
    super({ allowHalfOpen: true, readableHighWaterMark: CHANNEL_BOUND, writableHighWaterMark: CHANNEL_BOUND });
    this.#id = id;
    this.headers = headers;
    this.#send = send;
    this.on('error', () => this.destroy());
  }
  /** Resolves when more may come. */
  receive(data: Buffer): Promise<void> {
    if (this.destroyed || this.readableEnded || this.push(data)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }
  override _read(): void {
    this.#wanted();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(this.#id, 0, chunk).then(() => done(), done);
  }
  override _final(done: (error?: Error | null) => void): void {
    this.#send(this.#id, FIN, Buffer.alloc(0)).then(() => done(), done);
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wanted();
    done(error);
  }
}

function control(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
  return Buffer.concat([head, body]);
}

export function createSpdySession(connection: Duplex, onStream: (stream: SpdyStream) => void): SpdySession {
  const codec = createHeaderCodec();
  const streams = new Map<number, Stream>();
  const over = Promise.withResolvers<void>();

  function write(bytes: Buffer): Promise<void> {
    if (connection.destroyed || connection.writableEnded) return Promise.reject(new Error('the SPDY connection is closed'));
    if (connection.write(bytes)) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        connection.off('drain', go).off('close', go);
        resolve();
      };
      connection.on('drain', go).on('close', go);
    });
  }
  function send(id: number, flags: number, data: Buffer): Promise<void> {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id, 0);
    head.writeUInt32BE(((flags << 24) | data.length) >>> 0, 4);
    return write(data.length === 0 ? head : Buffer.concat([head, data]));
  }

  async function onControl(type: number, flags: number, body: Buffer): Promise<void> {
    if (type === TYPE.synStream) {
      const id = body.readUInt32BE(0) & 0x7fffffff;
      const stream = new Stream(id, await codec.read(body.subarray(10)), send);
      streams.set(id, stream);
      stream.once('close', () => streams.delete(id));
      const number = Buffer.alloc(4);
      number.writeUInt32BE(id);
      await write(control(TYPE.synReply, 0, Buffer.concat([number, await codec.write({})])));
      if ((flags & FIN) !== 0) stream.push(null);
      onStream(stream);
    } else if (type === TYPE.rstStream) {
      streams.get(body.readUInt32BE(0) & 0x7fffffff)?.destroy();
    } else if (type === TYPE.ping) await write(control(TYPE.ping, 0, body));
    // Windows and settings mean nothing here; after GOAWAY the client closes the connection itself.
  }

  async function onData(id: number, flags: number, data: Buffer): Promise<void> {
    const stream = streams.get(id);
    if (stream === undefined) return;
    if (data.length > 0) await stream.receive(data);
    if ((flags & FIN) !== 0 && !stream.destroyed) stream.push(null);
  }

  async function read(): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of connection as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= 8) {
        const first = rest.readUInt32BE(0);
        const second = rest.readUInt32BE(4);
        const length = second & 0xffffff;
        const isControl = first >>> 31 === 1;
        if (isControl && length > CONTROL_LIMIT) throw new Error('a SPDY control frame is too long');
        if (rest.length < 8 + length) break;
        const body = rest.subarray(8, 8 + length);
        rest = rest.subarray(8 + length);
        if (isControl) await onControl(first & 0xffff, second >>> 24, body);
        else await onData(first & 0x7fffffff, second >>> 24, body);
      }
    }
  }

  read()
    // A broken connection and a peer that breaks the protocol end alike: all streams are gone.
    .catch(() => {})
    .finally(() => {
      for (const stream of streams.values()) stream.destroy();
      codec.close();
      connection.destroy();
      over.resolve();
    });

  return {
    closed: over.promise,
    close() {
      for (const stream of streams.values()) stream.destroy();
      connection.end(control(TYPE.goAway, 0, Buffer.alloc(8)));
    },
  };
}

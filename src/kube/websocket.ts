/**
 * A binary WebSocket as a Duplex of bytes, for proxies that let nothing else through. Message boundaries mean nothing.
 * A WebSocket has no half-close: ending the writable side ends both.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { CodedError } from '../base/errors.ts';
import { WEBSOCKET_MESSAGE_LIMIT, WEBSOCKET_PENDING_LIMIT } from './limits.ts';
import { applyMask, createFrameParser, type FrameParser, frameHeader, OPCODE, WebSocketProtocolError } from './websocket-frames.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface WebSocketOptions {
  role: 'client' | 'server';
  /** Put before the bytes of each message that is sent. */
  prefix?: Buffer;
  /** What of received bytes goes to the reader; `start` marks the (empty) beginning of a message. */
  filter?: (chunk: Buffer, start: boolean) => Buffer | undefined;
}

/** Speaks RFC 6455 over a connection whose handshake is done. */
export function createWebSocketStream(socket: Duplex, options: WebSocketOptions): Duplex {
  return new WebSocketStream(socket, options);
}

class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  readonly #options: WebSocketOptions;
  readonly #parser: FrameParser;
  /** The mask exists against confused plain-text proxies (section 10.3): inside TLS zeros do, and cost nothing. */
  readonly #zeroMask: boolean;
  #closeSent = false;
  #over = false;

  constructor(socket: Duplex, options: WebSocketOptions) {
    super({ allowHalfOpen: false, readableHighWaterMark: 256 * 1024, writableHighWaterMark: 256 * 1024 });
    this.#socket = socket;
    this.#options = options;
    this.#zeroMask = socket instanceof TLSSocket;
    this.#parser = createFrameParser(options.role === 'server', {
      onData: (chunk, start) => this.#onData(chunk, start),
      onControl: (opcode, payload) => this.#onControl(opcode, payload),
    });
    socket.on('data', (chunk: Buffer) => {
      if (this.#over) return;
      try {
        this.#parser.push(chunk);
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => this.#onEnd());
  }

  #onData(chunk: Buffer, start: boolean): void {
    const { filter } = this.#options;
    const bytes = filter === undefined ? chunk : filter(chunk, start);
    if (bytes !== undefined && bytes.length > 0 && !this.push(bytes)) this.#socket.pause();
  }

  #onControl(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping) {
      if (this.#socket.writableLength > this.writableHighWaterMark + WEBSOCKET_PENDING_LIMIT)
        throw new WebSocketProtocolError('the peer sends pings and does not read');
      this.#frame(OPCODE.pong, [payload]);
    } else if (opcode === OPCODE.close) {
      this.#sendClose();
      this.#over = true;
      this.push(null);
      this.#socket.end();
    }
  }

  #onEnd(): void {
    if (this.#over || this.destroyed) return;
    this.#over = true;
    // A cut in the middle of a message is a loss; between messages it is taken for the end that it most likely is.
    if (this.#parser.between) this.push(null);
    else this.destroy(new WebSocketProtocolError('the connection ended in the middle of a message'));
  }

  /** Returns whether more may be written at once. */
  #frame(opcode: number, parts: Buffer[]): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const client = this.#options.role === 'client';
    const mask = client ? (this.#zeroMask ? Buffer.alloc(4) : randomBytes(4)) : undefined;
    this.#socket.cork();
    let more = this.#socket.write(frameHeader(opcode, length, mask));
    let offset = 0;
    for (const part of parts) {
      let bytes = part;
      if (mask !== undefined && !this.#zeroMask) {
        bytes = Buffer.from(part);
        applyMask(bytes, mask, offset);
      }
      offset += part.length;
      more = this.#socket.write(bytes);
    }
    this.#socket.uncork();
    return more;
  }

  #message(chunks: Buffer[], done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed || this.#closeSent) {
      done(new Error('the WebSocket is closed'));
      return;
    }
    const prefix = this.#options.prefix === undefined ? [] : [this.#options.prefix];
    let more = true;
    let batch: Buffer[] = [];
    let size = 0;
    const flush = () => {
      if (batch.length > 0) more = this.#frame(OPCODE.binary, [...prefix, ...batch]);
      batch = [];
      size = 0;
    };
    for (const chunk of chunks) {
      for (let start = 0; start < chunk.length; ) {
        const part = chunk.subarray(start, start + WEBSOCKET_MESSAGE_LIMIT - size);
        batch.push(part);
        size += part.length;
        start += part.length;
        if (size === WEBSOCKET_MESSAGE_LIMIT) flush();
      }
    }
    flush();
    if (more) {
      done();
      return;
    }
    const go = () => {
      this.#socket.off('drain', go).off('close', go);
      done();
    };
    this.#socket.on('drain', go).on('close', go);
  }

  #sendClose(): void {
    if (this.#closeSent || this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#closeSent = true;
    this.#frame(OPCODE.close, [Buffer.from([0x03, 0xe8])]);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#message([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#message(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sendClose();
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

export interface WebSocketHandshake {
  headers: Record<string, string>;
  /** Throws when the answer is not one to these headers. */
  check(answer: IncomingHttpHeaders): void;
}

/** The client's half of the opening handshake. */
export function createHandshake(protocol: string | undefined): WebSocketHandshake {
  const key = randomBytes(16).toString('base64');
  return {
    headers: { 'sec-websocket-key': key, 'sec-websocket-version': '13', ...(protocol === undefined ? {} : { 'sec-websocket-protocol': protocol }) },
    check(answer) {
      if (answer['sec-websocket-accept'] !== acceptFor(key))
        throw new CodedError('TP-KUBE-API', 'The answer to the WebSocket handshake does not belong to the request.');
      const chosen = answer['sec-websocket-protocol'];
      if (chosen !== protocol) throw new CodedError('TP-KUBE-API', `The server chose the WebSocket protocol ${chosen ?? 'none'}, not ${protocol ?? 'none'}.`);
    },
  };
}

const acceptFor = (key: string) =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64');

/**
 * The server's half, for a request of `http.Server`'s `upgrade` event: answers 101 and returns the stream.
 * Returns undefined, having answered 400, when the request is no WebSocket handshake.
 */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: { protocol?: string; headers?: Record<string, string> } = {},
): Duplex | undefined {
  const key = request.headers['sec-websocket-key'];
  socket.on('error', () => socket.destroy());
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined || request.headers['sec-websocket-version'] !== '13') {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\nSec-WebSocket-Version: 13\r\n\r\n');
    return undefined;
  }
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${acceptFor(key)}`];
  if (options.protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${options.protocol}`);
  for (const [name, value] of Object.entries(options.headers ?? {})) lines.push(`${name}: ${value}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return createWebSocketStream(socket, { role: 'server' });
}

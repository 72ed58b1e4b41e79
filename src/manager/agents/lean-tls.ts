/**
 * A TLS server for very many connections that are idle. Node reads a TLS connection over a TCP socket into 64 KiB that each keeps for as long as it
 * lives, beside what its handshake touched; one over any other stream keeps only what came. So TLS is put over a stream of our own, over the
 * TCP socket: 35 in place of 57 KiB a connection, for half a second of CPU more per GB (docs/decisions/0009).
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';

/** What waits between TLS and TCP before either is paused. */
export const LEAN_BOUND = 128 * 1024;

type Done = (error?: Error | null) => void;

/** A TCP socket that Node does not know for one. It ends, fails and pauses as the socket does. */
class OverSocket extends Duplex {
  #socket: Socket;

  constructor(socket: Socket) {
    super({ highWaterMark: LEAN_BOUND });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => {
      // What came before its end may still wait for the reader.
      if (!socket.readableEnded) this.destroy();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    const last = chunks.length - 1;
    this.#socket.cork();
    for (const [index, { chunk }] of chunks.entries()) this.#socket.write(chunk, index === last ? done : undefined);
    this.#socket.uncork();
  }

  override _final(done: Done): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }
}

export interface LeanTlsOptions {
  /** Asked at each connection. */
  secureContext(): SecureContext;
  /** A handshake that takes longer is ended. */
  handshakeMs: number;
  /** A connection whose handshake is done, and the TCP socket under it. */
  onConnection(secured: TLSSocket, socket: Socket): void;
  /** A connection that failed before that. */
  onFailed(error: Error): void;
}

export function createLeanTlsServer({ secureContext, handshakeMs, onConnection, onFailed }: LeanTlsOptions): Server {
  // TLS says when it ends: Node would end the socket below it first.
  return createServer({ allowHalfOpen: true }, (socket) => {
    const secured = new TLSSocket(new OverSocket(socket), { isServer: true, secureContext: secureContext() });
    // As a tls.Server's: whose peer has ended is ended too.
    secured.allowHalfOpen = false;
    const late = () => secured.destroy(new Error('the TLS handshake takes too long'));
    secured.setTimeout(handshakeMs, late);
    secured.on('error', onFailed);
    // Without a tls.Server around it Node says so, and leaves the rest to whoever made it; such a connection would stay.
    secured.on('_tlsError', (error: Error) => secured.destroy(error));
    secured.once('secure', () => {
      secured.setTimeout(0, late);
      secured.off('error', onFailed);
      onConnection(secured, socket);
    });
  });
}

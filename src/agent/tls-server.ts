import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { TLS_HANDSHAKE_MS } from './http-limits.ts';

/** A TLS server that listens nowhere: it is given connections one by one. What clients must show is checked as by any server. */
export class TlsServer {
  readonly #server: Server;
  readonly #waiting = new Map<string, (socket: TLSSocket) => void>();

  constructor(options: TlsOptions) {
    this.#server = createServer(options, (secure) => {
      secure.on('error', () => {});
      this.#waiting.get(nameOf(secure))?.(secure);
    });
    // Rejected by the raw connection's end: a socket that failed has lost its addresses.
    this.#server.on('tlsClientError', (_error, secure) => secure.destroy());
  }

  /** Resolves after the handshake; rejects when the connection ends before that. */
  accept(client: Socket): Promise<TLSSocket> {
    const name = nameOf(client);
    let timer: NodeJS.Timeout | undefined;
    return new Promise<TLSSocket>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the TLS handshake took too long')), TLS_HANDSHAKE_MS);
      this.#waiting.set(name, resolve);
      client.once('close', () => reject(new Error('the connection ended within the TLS handshake')));
      this.#server.emit('connection', client);
    }).finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(name);
    });
  }
}

/** A port has one connection from each of them. */
const nameOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;

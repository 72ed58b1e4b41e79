import { createServer, type Server, type Socket } from 'node:net';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { AppTarget } from './app-target.ts';
import { ACCEPT_BACKLOG, CLIENT_KEEPALIVE_MS } from './limits.ts';
import { spliceToApp } from './splice.ts';
import type { Taker } from './taker.ts';

/** A listener: its connections go to the taker, if one is set, else to the app. */
export class TcpPort {
  readonly port: number;
  readonly app: AppTarget;
  /** Changes for connections that come from now on; what is open goes on where it is. */
  taker: Taker | undefined;
  #server: Server;
  #log: Log;
  #unanswered = 0;
  #sockets = new Set<Socket>();

  /** Resolves when it listens. @param app where untaken connections go */
  static async listen(port: number, app: AppTarget, log: Log): Promise<TcpPort> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: CLIENT_KEEPALIVE_MS });
    await listenOn(server, port);
    return new TcpPort(server, app, log);
  }

  private constructor(server: Server, app: AppTarget, log: Log) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.app = app;
    this.#server = server;
    this.#log = log;
    server.on('error', (error) => log.error('a listener failed', { port: this.port, error: error.message }));
    server.on('connection', (socket: Socket) => {
      this.#accept(socket).catch((error: unknown) => log.error('a connection could not be handled', { port: this.port, error: messageOf(error) }));
    });
  }

  /** Connections that still have something to come for their clients. */
  get unanswered(): number {
    return this.#unanswered;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #accept(socket: Socket): Promise<void> {
    const { taker } = this;
    socket.on('error', (error) => this.#log.trace('a connection failed', { port: this.port, error: error.message }));
    this.#unanswered++;
    let answered = false;
    const onAnswered = () => {
      if (!answered) this.#unanswered--;
      answered = true;
    };
    try {
      if (taker === undefined) {
        await spliceToApp(socket, this.app, onAnswered);
      } else {
        this.#sockets.add(socket);
        await taker.take(socket).finally(() => this.#sockets.delete(socket));
      }
    } finally {
      onAnswered();
    }
  }
}

/** On all addresses of both families, or of IPv4 where there is no IPv6. */
async function listenOn(server: Server, port: number): Promise<void> {
  const attempt = (host: string) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, backlog: ACCEPT_BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await attempt('::').catch((error: unknown) => {
      if (codeOf(error) !== 'EAFNOSUPPORT' && codeOf(error) !== 'EADDRNOTAVAIL') throw error;
      return attempt('0.0.0.0');
    });
  } catch (error) {
    throw new CodedError('TP-INTERNAL', `The agent can't listen on port ${port}: ${messageOf(error)}`, { cause: error });
  }
}

import { createServer, type Server, type Socket } from 'node:net';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { AppTarget } from './app-target.ts';
import { ACCEPT_BACKLOG, CLIENT_KEEPALIVE_MS } from './limits.ts';
import { type Splice, spliceToApp } from './splice.ts';
import { SpliceWatch } from './splice-watch.ts';
import type { Taker } from './taker.ts';

/** A listener: its connections go to the taker, if one is set, else to the app. */
export class TcpPort {
  readonly port: number;
  readonly app: AppTarget;
  #taker: Taker | undefined;
  #spliced = new Set<Splice>();
  #watch: SpliceWatch | undefined;
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

  /**
   * Takes the connections that come from now on. What is spliced to the app goes on, until it is idle: a client that keeps its
   * connection must not miss the intercept for ever.
   */
  get taker(): Taker | undefined {
    return this.#taker;
  }

  set taker(taker: Taker | undefined) {
    this.#taker = taker;
    if (taker === undefined) this.#watch?.stop();
    else if (this.#spliced.size > 0) {
      this.#watch ??= new SpliceWatch(this.#spliced);
      this.#watch.start();
    }
  }

  /** Connections that still have something to come for their clients. */
  get unanswered(): number {
    return this.#unanswered;
  }

  close(): void {
    this.#server.close();
    this.#watch?.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #accept(socket: Socket): Promise<void> {
    const taker = this.#taker;
    socket.on('error', (error) => this.#log.trace('a connection failed', { port: this.port, error: error.message }));
    this.#unanswered++;
    let answered = false;
    const onAnswered = () => {
      if (!answered) this.#unanswered--;
      answered = true;
    };
    try {
      if (taker === undefined) {
        await spliceToApp(socket, this.app, onAnswered, this.#spliced);
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

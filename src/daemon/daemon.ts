/** The daemon's one piece of state: connected or not, and the link to netd. One change at a time. */
import { CodedError, messageOf } from '../base/errors.ts';
import type { ConnectParams, ConnectResult } from '../protocol/daemon-api.ts';
import { type NetdLink, type NetdServer, startNetdServer } from './capture/index.ts';
import { CloudAccount } from './cloud/index.ts';
import { fingerprintOf } from './cluster.ts';
import { connect } from './connect.ts';
import type { Connected } from './connected.ts';
import type { CallContext, DaemonContext } from './context.ts';

/** The CLI starts netd just before `connect`; sudo may still be asking. */
export const NETD_WAIT_MS = 10_000;

export class Daemon {
  readonly ctx: DaemonContext;
  readonly account: CloudAccount;
  #connected: Connected | undefined;
  #lastEnd: string | undefined;
  #netdServer: NetdServer | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ctx: DaemonContext) {
    this.ctx = ctx;
    this.account = new CloudAccount(ctx, () => {
      const parts = this.#connected?.parts;
      return parts === undefined ? undefined : { config: parts.config, clusterUrl: parts.tunnel.welcome?.cloud?.url };
    });
  }

  get connected(): Connected | undefined {
    return this.#connected;
  }

  get lastEnd(): string | undefined {
    return this.#lastEnd;
  }

  /** @throws TP-NOT-CONNECTED */
  get session(): Connected {
    if (this.#connected === undefined) {
      const why = this.#lastEnd === undefined ? '' : ` The last session ended: ${this.#lastEnd}`;
      throw new CodedError('TP-NOT-CONNECTED', `This workstation is not connected to a cluster.${why}`);
    }
    return this.#connected;
  }

  /** Runs one change of state after the other. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(change, change);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Whether the CLI must start a netd; from the answer on its socket is there to be dialled. */
  async netdNeeded(): Promise<{ needed: boolean; socket: string; logFile: string }> {
    const socket = this.ctx.paths.netdSocket;
    const logFile = `${this.ctx.paths.logDir}/netd.log`;
    if (this.#connected !== undefined || this.#netdServer?.linked === true) return { needed: false, socket, logFile };
    this.#netdServer ??= await startNetdServer({ socketPath: socket, log: this.ctx.log.child('netd') });
    return { needed: true, socket, logFile };
  }

  async #netdLink(signal: AbortSignal): Promise<NetdLink> {
    if (this.#netdServer === undefined) await this.netdNeeded();
    const server = this.#netdServer;
    if (server === undefined) throw new CodedError('TP-NETD-FAILED', 'The socket for netd could not be opened.');
    try {
      return await server.link({ signal: AbortSignal.any([signal, AbortSignal.timeout(NETD_WAIT_MS)]) });
    } catch (error) {
      signal.throwIfAborted();
      throw new CodedError('TP-NETD-FAILED', `netd, which sets up the network as root, did not come up within ${NETD_WAIT_MS / 1000} s.`, { cause: error });
    }
  }

  connect(params: ConnectParams, call: CallContext): Promise<ConnectResult> {
    return this.#inTurn(async () => {
      if (this.#connected !== undefined) {
        const { fingerprint } = this.#connected.parts;
        if (fingerprint !== fingerprintOf(params))
          throw new CodedError('TP-ALREADY-CONNECTED', 'Cluster configuration changed, please quit telepresence and reconnect');
        return this.#result(this.#connected, 'already');
      }
      const netd = await this.#netdLink(call.signal);
      try {
        const connected = await connect(this.ctx, params, netd, this.account, call);
        this.#adopt(connected, netd);
        return this.#result(connected, 'connected');
      } catch (error) {
        await netd.close();
        await this.#closeNetdServer();
        throw call.signal.aborted ? new CodedError('TP-CANCELLED', 'The connect was cancelled.') : error;
      }
    });
  }

  #adopt(connected: Connected, netd: NetdLink): void {
    this.#connected = connected;
    this.#lastEnd = undefined;
    const end = (why: string): void => {
      if (this.#connected !== connected) return;
      this.ctx.log.error('the session ended', { why });
      void this.#inTurn(async () => {
        if (this.#connected !== connected) return;
        this.#lastEnd = why;
        await this.#drop(connected);
      });
    };
    netd.onFailed((message) => end(message));
    void netd.closed.then(() => end('netd, which held the network, ended'));
    connected.on('over', (error) => end(messageOf(error)));
  }

  #result(connected: Connected, state: ConnectResult['state']): ConnectResult {
    const { kubeconfig, namespace } = connected.parts;
    return { state, context: kubeconfig.context, server: kubeconfig.server, namespace };
  }

  disconnect(): Promise<{ wasConnected: boolean }> {
    return this.#inTurn(async () => {
      this.#lastEnd = undefined;
      if (this.#connected === undefined) return { wasConnected: false };
      await this.#drop(this.#connected);
      return { wasConnected: true };
    });
  }

  async #drop(connected: Connected): Promise<void> {
    this.#connected = undefined;
    await connected.close();
    await this.#closeNetdServer();
  }

  async #closeNetdServer(): Promise<void> {
    const server = this.#netdServer;
    this.#netdServer = undefined;
    await server?.close();
  }
}

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { MuxStream } from '../mux/index.ts';
import { type AgentIntercept, UDP_IDLE_MS } from '../protocol/tunnel.ts';
import { createDatagramStream } from '../tunnel/index.ts';
import type { AppTarget } from './app-target.ts';
import { UDP_EARLY_LIMIT, UDP_FLOW_LIMIT, UDP_SWEEP_MS } from './limits.ts';
import type { SessionLinks } from './links.ts';

interface Flow {
  /** uid of the intercept that it goes to; undefined: the app. */
  intercept: string | undefined;
  usedAt: number;
  send(datagram: Buffer): void;
  close(): void;
}

/** A UDP port: a flow for each source address, to the workstation or to the app. Ends after UDP_IDLE_MS without a datagram either way. */
export class UdpPort {
  readonly port: number;
  /** Set: new datagrams go to the workstation, also those of flows that went to the app until now. */
  intercept: AgentIntercept | undefined;
  #socket: Socket;
  #app: AppTarget;
  #links: SessionLinks;
  #log: Log;
  #flows = new Map<string, Flow>();
  /** Sources whose flow the workstation refused while `--fallback` holds: they stay with the app. */
  #refused = new Set<string>();
  #sweeper: NodeJS.Timeout;
  #lastAt = 0;

  static async listen(port: number, app: AppTarget, links: SessionLinks, log: Log): Promise<UdpPort> {
    try {
      const socket = await bind('udp6', port).catch((error: unknown) => {
        if (codeOf(error) !== 'EAFNOSUPPORT' && codeOf(error) !== 'EADDRNOTAVAIL') throw error;
        return bind('udp4', port);
      });
      return new UdpPort(socket, app, links, log);
    } catch (error) {
      throw new CodedError('TP-INTERNAL', `The agent can't listen on UDP port ${port}: ${messageOf(error)}`, { cause: error });
    }
  }

  private constructor(socket: Socket, app: AppTarget, links: SessionLinks, log: Log) {
    this.port = socket.address().port;
    this.#socket = socket;
    this.#app = app;
    this.#links = links;
    this.#log = log;
    socket.on('error', (error) => log.error('a UDP listener failed', { port: this.port, error: error.message }));
    socket.on('message', (datagram, from) => this.#received(datagram, from));
    this.#sweeper = setInterval(() => this.#sweep(), UDP_SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Milliseconds since the last datagram in either direction. */
  get quietFor(): number {
    return performance.now() - this.#lastAt;
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const flow of this.#flows.values()) flow.close();
    this.#flows.clear();
    this.#socket.close();
  }

  #received(datagram: Buffer, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    let flow = this.#flows.get(key);
    if (flow !== undefined && flow.intercept !== this.#goal(key)?.uid) {
      this.#drop(key, flow);
      flow = undefined;
    }
    flow ??= this.#start(key, from);
    flow.usedAt = this.#lastAt = performance.now();
    flow.send(datagram);
  }

  /** The intercept that a source's datagrams go to: none while its session is nowhere, or where the process refused. */
  #goal(key: string): AgentIntercept | undefined {
    const { intercept } = this;
    return intercept !== undefined && this.#links.holds(intercept.session) && !this.#refused.has(key) ? intercept : undefined;
  }

  #start(key: string, from: RemoteInfo): Flow {
    const wanted = this.#goal(key);
    if (this.#flows.size >= UDP_FLOW_LIMIT) this.#dropOldest();
    const answer = (datagram: Buffer) => {
      const flow = this.#flows.get(key);
      if (flow !== undefined) flow.usedAt = this.#lastAt = performance.now();
      this.#socket.send(datagram, from.port, from.address);
    };
    const stream = wanted === undefined ? undefined : this.#links.open(wanted, `${from.address.replace(/^::ffff:/, '')}:${from.port}`);
    const flow = stream === undefined || wanted === undefined ? this.#toApp(key, answer) : this.#toWorkstation(key, wanted, stream, answer);
    this.#flows.set(key, flow);
    return flow;
  }

  #toWorkstation(key: string, intercept: AgentIntercept, stream: MuxStream, answer: (datagram: Buffer) => void): Flow {
    this.#links.taken(intercept);
    const datagrams = createDatagramStream(stream);
    const flow: Flow = {
      intercept: intercept.uid,
      usedAt: 0,
      send: (datagram) => void datagrams.send(datagram),
      close: () => stream.destroy(),
    };
    datagrams.onDatagram(answer);
    stream.on('close', () => {
      if (this.#flows.get(key) !== flow) return;
      this.#flows.delete(key);
      if (stream.resetReason === 'refused' && intercept.fallback) this.#refused.add(key);
    });
    return flow;
  }

  #toApp(key: string, answer: (datagram: Buffer) => void): Flow {
    const { host, port } = this.#app;
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    let early: Buffer[] | undefined = [];
    const flow: Flow = {
      intercept: undefined,
      usedAt: 0,
      send: (datagram) => {
        if (early === undefined) socket.send(datagram);
        else if (early.length < UDP_EARLY_LIMIT) early.push(datagram);
      },
      close: () => {
        early = [];
        socket.close();
      },
    };
    socket.on('error', (error) => {
      // The answer to a datagram that nobody there takes: the app may listen on its other address, the next datagram tries it.
      if (codeOf(error) === 'ECONNREFUSED') this.#app.refused(host);
      else this.#log.debug('a UDP flow failed', { port, error: error.message });
      if (this.#flows.get(key) === flow) this.#drop(key, flow);
    });
    socket.on('message', answer);
    socket.connect(port, host, () => {
      for (const datagram of early ?? []) socket.send(datagram);
      early = undefined;
    });
    return flow;
  }

  #sweep(): void {
    const old = performance.now() - UDP_IDLE_MS;
    for (const [key, flow] of this.#flows) if (flow.usedAt < old) this.#drop(key, flow);
    if (this.#flows.size === 0) this.#refused.clear();
  }

  #dropOldest(): void {
    let oldest: [string, Flow] | undefined;
    for (const entry of this.#flows) if (oldest === undefined || entry[1].usedAt < oldest[1].usedAt) oldest = entry;
    if (oldest !== undefined) this.#drop(...oldest);
  }

  #drop(key: string, flow: Flow): void {
    this.#flows.delete(key);
    flow.close();
  }
}

function bind(type: 'udp4' | 'udp6', port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type });
    socket.once('error', reject);
    socket.bind(port, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

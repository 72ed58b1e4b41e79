import { z } from 'zod';
import type { Log } from '../base/log.ts';
import type { AgentPort } from '../protocol/agent-config.ts';
import type { AgentIntercept } from '../protocol/tunnel.ts';
import { AppTarget } from './app-target.ts';
import { drain } from './drain.ts';
import { collectEnvironment } from './environment.ts';
import { type Health, startHealth } from './health.ts';
import { HttpTaker } from './http-taker.ts';
import { READY_WAIT_MS } from './limits.ts';
import { Links, type LinksOptions } from './links.ts';
import { Probes } from './probes.ts';
import type { AgentSettings } from './settings.ts';
import { TcpPort } from './tcp-port.ts';
import { TcpTaker } from './tcp-taker.ts';
import { TlsPort } from './tls-port.ts';
import { UdpPort } from './udp-port.ts';

const environmentParams = z.looseObject({ container: z.string().optional() });

export interface AgentOptions {
  settings: AgentSettings;
  /** The sidecar's own environment, with the copies of the apps'. */
  env: Record<string, string | undefined>;
  log: Log;
  resolve?: LinksOptions['resolve'];
}

/** `whole`: who takes all connections, while a `tcp` intercept stands. */
type Listener = { config: AgentPort; tcp: TcpPort; http: HttpTaker; whole?: TcpTaker | undefined } | { config: AgentPort; udp: UdpPort };

/** The running sidecar. */
export class Agent {
  readonly links: Links;
  #listeners: Listener[] = [];
  /** Every port listens: before, nobody can say what this pod does not take. */
  #complete = false;
  #probes: TcpPort[] = [];
  #marks = new Probes((look) => {
    for (const listener of this.#listeners) if ('http' in listener) listener.http.routes.watcher = look;
  });
  #log: Log;
  #health: Health | undefined;
  /** Intercepts whose session was held once: until then a claim isn't said to be taken. */
  #seen = new Set<string>();
  #refused = new Map<string, string>();
  /** Why filters can't be used, by the intercept's uid. */
  #faults = new Map<string, string>();

  /** Resolves when every port listens; managers are looked for meanwhile and afterwards. */
  static async start(options: AgentOptions): Promise<Agent> {
    const { settings, log } = options;
    const agent = new Agent(options);
    try {
      for (const port of settings.config.ports) await agent.#listen(port, settings.podIP);
      agent.#complete = true;
      agent.#apply();
      // Last: what asks here may start the app, or send it traffic.
      agent.#health = await startHealth(settings.config.healthPort, { ready: agent.#linked(), log });
    } catch (error) {
      agent.close();
      throw error;
    }
    log.info('listening', { ports: settings.config.ports.map((port) => `${port.protocol}:${port.agentPort}->${port.containerPort}`).join() });
    return agent;
  }

  private constructor(options: AgentOptions) {
    const { settings, env, log } = options;
    this.#log = log;
    this.links = new Links({
      settings,
      log,
      environment: (params) => collectEnvironment(settings, env, environmentParams.parse(params).container),
      onChange: () => this.#apply(),
      onProbe: (id, forMs, tell) => this.#marks.arm(id, forMs, tell),
      ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    });
  }

  /** An intercept that is on holds for a new pod from its first request: resolves with the links, or READY_WAIT_MS after the start. */
  async #linked(): Promise<void> {
    const timer = Promise.withResolvers<void>();
    const late = setTimeout(() => timer.resolve(), READY_WAIT_MS);
    await Promise.race([this.links.settled, timer.promise]);
    clearTimeout(late);
  }

  /** The listeners' own ports, in the order of the config. */
  get ports(): number[] {
    return this.#listeners.map((listener) => ('tcp' in listener ? listener.tcp.port : listener.udp.port));
  }

  get healthPort(): number {
    return this.#health?.port ?? 0;
  }

  get probePorts(): number[] {
    return this.#probes.map(({ port }) => port);
  }

  /** Goes on serving until the app is gone and nothing is in flight; then ends. */
  async drain(): Promise<void> {
    const tcp = this.#listeners.flatMap((listener) => ('tcp' in listener ? [listener.tcp] : []));
    const udp = this.#listeners.flatMap((listener) => ('udp' in listener ? [listener.udp] : []));
    const retire = () => {
      for (const listener of this.#listeners) if ('http' in listener) listener.http.retire();
    };
    await drain(tcp, udp, this.#log, retire);
    this.close();
  }

  close(): void {
    this.links.close();
    this.#marks.close();
    this.#health?.close();
    for (const probe of this.#probes) probe.close();
    for (const listener of this.#listeners) {
      ('tcp' in listener ? listener.tcp : listener.udp).close();
      if ('http' in listener) listener.http.close();
    }
  }

  async #listen(config: AgentPort, podIP: string): Promise<void> {
    const app = new AppTarget(config.containerPort, podIP);
    if (config.protocol === 'UDP') {
      this.#listeners.push({ config, udp: await UdpPort.listen(config.agentPort, app, this.links, this.#log) });
    } else {
      this.#listeners.push({
        config,
        tcp: await TcpPort.listen(config.agentPort, app, this.#log),
        http: new HttpTaker(app, this.links, config.tls === undefined ? undefined : await TlsPort.open(config.tls, app)),
      });
      if (config.probePort !== undefined) this.#probes.push(await TcpPort.listen(config.probePort, app, this.#log));
    }
    this.#apply();
  }

  /** Brings listeners and managers to what the intercepts say. */
  #apply(): void {
    const { intercepts } = this.links;
    const taken = new Set<string>();
    this.#faults.clear();
    for (const listener of this.#listeners) {
      const { containerPort, protocol } = listener.config;
      const mine = intercepts.filter((intercept) => intercept.containerPort === containerPort && intercept.protocol === protocol);
      const whole = mine.find(({ mechanism }) => mechanism === 'tcp');
      const some = 'http' in listener ? this.#assignHttp(listener, whole === undefined ? mine : []) : [];
      if (whole !== undefined && 'http' in listener) listener.http.retire();
      if (some.length === 0) this.#assign(listener, whole);
      for (const { uid } of whole === undefined ? some : [whole]) taken.add(uid);
    }
    for (const { uid, session } of intercepts) if (taken.has(uid) && this.links.holds(session)) this.#seen.add(uid);
    for (const uid of this.#seen) if (!taken.has(uid)) this.#seen.delete(uid);
    this.links.ready(intercepts.filter(({ uid }) => this.#seen.has(uid)).map(({ uid }) => uid));
    if (this.#complete) this.#refuse(intercepts.filter(({ uid }) => !taken.has(uid)));
  }

  #assign(listener: Listener, intercept: AgentIntercept | undefined): void {
    if ('udp' in listener) {
      listener.udp.intercept = intercept;
      return;
    }
    const { whole } = listener;
    if (whole !== undefined && intercept !== undefined && whole.renew(intercept)) {
      listener.tcp.taker = whole;
      return;
    }
    whole?.retire();
    listener.tcp.taker = listener.whole = intercept === undefined ? undefined : new TcpTaker(intercept, listener.tcp.app, this.links);
  }

  /** The port's connections are looked into while an `http` intercept stands. Returns those that are served. */
  #assignHttp(listener: Extract<Listener, { http: HttpTaker }>, intercepts: AgentIntercept[]): AgentIntercept[] {
    const { tcp, http } = listener;
    const { fault } = http;
    // Without the keys no request could be found in the port's TLS.
    const faults = fault === undefined ? http.routes.set(intercepts) : new Map(intercepts.map(({ uid }) => [uid, fault]));
    for (const [uid, fault] of faults) this.#faults.set(uid, fault);
    const served = intercepts.filter(({ uid }) => !faults.has(uid));
    if (served.length > 0) {
      listener.whole?.retire();
      listener.whole = undefined;
      tcp.taker = http;
    }
    return served;
  }

  /** Tells of intercepts that can't be served here; once each. */
  #refuse(intercepts: AgentIntercept[]): void {
    const now = new Map(intercepts.map((intercept) => [intercept.uid, this.#whyNot(intercept)]));
    for (const [uid, why] of now) if (this.#refused.get(uid) !== why) this.links.failed(uid, why);
    this.#refused = now;
  }

  #whyNot(intercept: AgentIntercept): string {
    const { uid, containerPort, protocol, mechanism } = intercept;
    const listens = this.#listeners.some(({ config }) => config.containerPort === containerPort && config.protocol === protocol);
    if (!listens) return `The agent of this pod does not take ${protocol} port ${containerPort}.`;
    const fault = this.#faults.get(uid);
    if (fault !== undefined) return fault;
    if (mechanism !== 'tcp' && protocol !== 'TCP') return `An intercept of ${protocol} port ${containerPort} can't have HTTP filters.`;
    return `${protocol} port ${containerPort} is taken by an earlier intercept.`;
  }
}

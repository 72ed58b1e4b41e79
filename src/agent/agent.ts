import { z } from 'zod';
import type { Log } from '../base/log.ts';
import type { AgentPort } from '../protocol/agent-config.ts';
import type { AgentIntercept } from '../protocol/tunnel.ts';
import { AppTarget } from './app-target.ts';
import { drain } from './drain.ts';
import { collectEnvironment } from './environment.ts';
import { type Health, startHealth } from './health.ts';
import { Links, type LinksOptions } from './links.ts';
import type { AgentSettings } from './settings.ts';
import { TcpPort } from './tcp-port.ts';
import { TcpTaker } from './tcp-taker.ts';
import { UdpPort } from './udp-port.ts';

const environmentParams = z.looseObject({ container: z.string().optional() });

export interface AgentOptions {
  settings: AgentSettings;
  /** The sidecar's own environment, with the copies of the apps'. */
  env: Record<string, string | undefined>;
  log: Log;
  resolve?: LinksOptions['resolve'];
}

type Listener = { config: AgentPort; tcp: TcpPort } | { config: AgentPort; udp: UdpPort };

/** The running sidecar. */
export class Agent {
  readonly links: Links;
  #listeners: Listener[] = [];
  #probes: TcpPort[] = [];
  #log: Log;
  #health: Health | undefined;
  /** Intercepts whose session was held once: until then a claim isn't said to be taken. */
  #seen = new Set<string>();
  #refused = new Map<string, string>();

  /** Resolves when every port listens; managers are looked for meanwhile and afterwards. */
  static async start(options: AgentOptions): Promise<Agent> {
    const { settings, log } = options;
    const agent = new Agent(options);
    try {
      for (const port of settings.config.ports) await agent.#listen(port, settings.podIP);
      // Last: what asks here may start the app, or send it traffic.
      agent.#health = await startHealth(settings.config.healthPort, { log });
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
      ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    });
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
    await drain(tcp, udp, this.#log);
    this.close();
  }

  close(): void {
    this.links.close();
    this.#health?.close();
    for (const probe of this.#probes) probe.close();
    for (const listener of this.#listeners) ('tcp' in listener ? listener.tcp : listener.udp).close();
  }

  async #listen(config: AgentPort, podIP: string): Promise<void> {
    const app = new AppTarget(config.containerPort, podIP);
    if (config.protocol === 'UDP') {
      this.#listeners.push({ config, udp: await UdpPort.listen(config.agentPort, app, this.links, this.#log) });
    } else {
      this.#listeners.push({ config, tcp: await TcpPort.listen(config.agentPort, app, this.#log) });
      if (config.probePort !== undefined) this.#probes.push(await TcpPort.listen(config.probePort, app, this.#log));
    }
    this.#apply();
  }

  /** Brings listeners and managers to what the intercepts say. */
  #apply(): void {
    const { intercepts } = this.links;
    const taken = new Set<string>();
    for (const listener of this.#listeners) {
      const { containerPort, protocol } = listener.config;
      const mine = intercepts.find((intercept) => intercept.containerPort === containerPort && intercept.protocol === protocol && intercept.mechanism === 'tcp');
      this.#assign(listener, mine);
      if (mine !== undefined) taken.add(mine.uid);
    }
    for (const { uid, session } of intercepts) if (taken.has(uid) && this.links.holds(session)) this.#seen.add(uid);
    for (const uid of this.#seen) if (!taken.has(uid)) this.#seen.delete(uid);
    this.links.ready(intercepts.filter(({ uid }) => this.#seen.has(uid)).map(({ uid }) => uid));
    this.#refuse(intercepts.filter(({ uid }) => !taken.has(uid)));
  }

  #assign(listener: Listener, intercept: AgentIntercept | undefined): void {
    if ('udp' in listener) listener.udp.intercept = intercept;
    else listener.tcp.taker = intercept === undefined ? undefined : new TcpTaker(intercept, listener.tcp.app, this.links);
  }

  /** Tells of intercepts that can't be served here; once each. */
  #refuse(intercepts: AgentIntercept[]): void {
    const now = new Map(intercepts.map((intercept) => [intercept.uid, this.#whyNot(intercept)]));
    for (const [uid, why] of now) if (this.#refused.get(uid) !== why) this.links.failed(uid, why);
    this.#refused = now;
  }

  #whyNot(intercept: AgentIntercept): string {
    const { containerPort, protocol, mechanism } = intercept;
    const listens = this.#listeners.some(({ config }) => config.containerPort === containerPort && config.protocol === protocol);
    if (!listens) return `The agent of this pod does not take ${protocol} port ${containerPort}.`;
    if (mechanism !== 'tcp') return `The agent of this pod does not know the mechanism ${mechanism}.`;
    return `${protocol} port ${containerPort} is taken by an earlier intercept.`;
  }
}

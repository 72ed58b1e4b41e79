import { readFile } from 'node:fs/promises';
import { connect, type TLSSocket } from 'node:tls';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { sleep } from '../base/retry.ts';
import { VERSION } from '../base/version.ts';
import { createMux, type Mux } from '../mux/index.ts';
import {
  type AgentHello,
  type AgentIntercept,
  agentInterceptsSchema,
  agentPeersSchema,
  agentWelcomeSchema,
  CLUSTER_TLS,
  certificateSchema,
  heldSessionsSchema,
  probeSchema,
} from '../protocol/tunnel.ts';
import { createRpcPeer, type RpcHandler, type RpcPeer } from '../rpc/index.ts';
import { encodeStreamHeader } from '../tunnel/index.ts';
import { LINK_CALL_TIMEOUT_MS, LINK_CONNECT_TIMEOUT_MS, LINK_HELLO_TIMEOUT_MS, PING_IDLE_INTERVAL_MS, PING_INTERVAL_MS, PING_TIMEOUT_MS } from './limits.ts';
import type { Sighting } from './probes.ts';
import type { AgentSettings } from './settings.ts';
import type { TakenTotals } from './taken.ts';

export interface LinkEvents {
  /** What the manager told changed. */
  onChange(link: Link, what: 'intercepts' | 'sessions'): void;
  onPeers(addresses: string[]): void;
  environment: RpcHandler;
  /** Look for a probe's mark for so long. */
  onProbe(link: Link, id: string, forMs: number): void;
}

/** One manager replica that knows us: greeted, and not over yet. */
export interface Link {
  readonly replica: string;
  readonly address: string;
  readonly mux: Mux;
  /** Sessions whose tunnel this replica holds. */
  readonly held: ReadonlySet<string>;
  /** Public keys of some of them. */
  readonly keys: ReadonlyMap<string, string>;
  /** The replica ends soon: other links come first. */
  readonly leaving: boolean;
  /** The whole list as last told; undefined: nothing was told yet. */
  readonly intercepts: readonly AgentIntercept[] | undefined;
  /** Tells what is being taken now. */
  ready(uids: string[]): void;
  failed(intercept: string, message: string): void;
  /** Tells where direct connections are taken. */
  direct(port: number | undefined): void;
  /** A certificate for that port; undefined where the manager makes none. */
  readonly certificate: (() => Promise<{ certificate: string; key: string }>) | undefined;
  /** Tells what was seen of a probe's mark. */
  probed(id: string, seen: Sighting): void;
  /** Tells how much was taken, by the intercepts' uids. */
  taken(totals: TakenTotals): void;
  readonly closed: Promise<Error | undefined>;
}

/** Dials a manager replica and greets it. Rejects when either fails; `signal` ends the link also later. */
export async function openLink(address: string, settings: AgentSettings, events: LinkEvents, options: { log: Log; signal: AbortSignal }): Promise<Link> {
  const { log, signal } = options;
  const socket = await dial(address, settings, signal);
  const mux = createMux(socket, { role: 'client', log });
  const stop = () => mux.abort(new Error('the agent is ending'));
  signal.addEventListener('abort', stop, { once: true });
  void mux.closed.then(() => signal.removeEventListener('abort', stop));
  try {
    const { pod, namespace, podIP } = settings;
    const { kind, name } = settings.config.workload;
    // Read each time: the kubelet renews it.
    const token = (await readFile(settings.tokenFile, 'utf8')).trim();
    const hello: AgentHello = { version: VERSION, token, pod, namespace, podIP, workload: { kind, name }, capabilities: ['udp'] };
    return await greetManager(address, mux, hello, events, log);
  } catch (error) {
    mux.abort(new Error('the hello failed'));
    throw error;
  }
}

/** Says who we are on a new connection, and listens from then on. Rejects when the manager does not take us. */
export async function greetManager(address: string, mux: Mux, hello: AgentHello, events: LinkEvents, log: Log): Promise<Link> {
  let intercepts: readonly AgentIntercept[] | undefined;
  let held: ReadonlySet<string> = new Set();
  let keys: ReadonlyMap<string, string> = new Map();
  let leaving = false;
  const rpc: RpcPeer = createRpcPeer(mux.open(encodeStreamHeader({ t: 'agent-control' })), {
    log,
    handlers: { environment: events.environment },
    onNotify: {
      intercepts: (params) => {
        intercepts = agentInterceptsSchema.parse(params).intercepts;
        if (link !== undefined) events.onChange(link, 'intercepts');
      },
      sessions: (params) => {
        const told = heldSessionsSchema.parse(params);
        held = new Set(told.held);
        keys = new Map(Object.entries(told.keys));
        if (link !== undefined) events.onChange(link, 'sessions');
      },
      peers: (params) => events.onPeers(agentPeersSchema.parse(params).replicas.map((replica) => replica.address)),
      probe: (params) => {
        const { id, forMs } = probeSchema.parse(params);
        if (link !== undefined) events.onProbe(link, id, forMs);
      },
      'going-away': () => {
        leaving = true;
      },
    },
  });
  let link: Link | undefined;
  const welcome = agentWelcomeSchema.parse(await rpc.call('hello', hello, { timeoutMs: LINK_HELLO_TIMEOUT_MS }));
  const call = (method: string, params: unknown) => {
    rpc
      .call(method, params, { timeoutMs: LINK_CALL_TIMEOUT_MS })
      .catch((error: unknown) => log.debug('a manager did not take a word', { method, error: messageOf(error) }));
  };
  link = {
    replica: welcome.replica,
    address,
    mux,
    get held() {
      return held;
    },
    get keys() {
      return keys;
    },
    get leaving() {
      return leaving;
    },
    get intercepts() {
      return intercepts;
    },
    ready: (uids) => call('ready', { intercepts: uids }),
    failed: (intercept, message) => call('error', { intercept, message }),
    direct: (port) => rpc.notify('direct', port === undefined ? {} : { port }),
    certificate: welcome.capabilities.includes('direct')
      ? async () => certificateSchema.parse(await rpc.call('certificate', {}, { timeoutMs: LINK_CALL_TIMEOUT_MS }))
      : undefined,
    probed: (id, seen) => rpc.notify('probed', { id, ...seen }),
    taken: (totals) => rpc.notify('taken', { totals }),
    closed: mux.closed,
  };
  void rpc.closed.then(() => mux.abort(new Error('the control stream ended')));
  return link;
}

function dial(address: string, settings: AgentSettings, signal: AbortSignal): Promise<TLSSocket> {
  const { port, servername } = settings.manager;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({ host: address, port, servername, ca: settings.ca, ecdhCurve: CLUSTER_TLS.ecdhCurve, minVersion: 'TLSv1.3' });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${LINK_CONNECT_TIMEOUT_MS} ms`)), LINK_CONNECT_TIMEOUT_MS);
    const stop = () => socket.destroy(new Error('the agent is ending'));
    signal.addEventListener('abort', stop, { once: true });
    socket.once('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.off('error', reject);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** Pings until the link is over, and ends it when an answer is missing: a node that died sends no FIN. */
export async function watchLink(link: Link, isBusy: () => boolean): Promise<void> {
  const over = new AbortController();
  void link.closed.then(() => over.abort(new Error('over')));
  try {
    for (;;) {
      await sleep(isBusy() ? PING_INTERVAL_MS : PING_IDLE_INTERVAL_MS, over.signal);
      const deadline = AbortSignal.timeout(PING_TIMEOUT_MS);
      await link.mux.ping({ signal: deadline });
    }
  } catch (error) {
    link.mux.abort(new Error('the manager is silent', { cause: error }));
  }
}

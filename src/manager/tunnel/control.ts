/** The control calls of a workstation: welcome, ping, environment, loglevel, cloud-link, probe, leave. */
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { CodedError } from '../../base/errors.ts';
import { LOG_LEVELS, type Log, type LogLevel } from '../../base/log.ts';
import { VERSION } from '../../base/version.ts';
import type { Session } from '../../protocol/resources.ts';
import { cloudLinkParamsSchema, probeIdSchema, type Replicas, type Welcome } from '../../protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../rpc/index.ts';
import { workloadOf } from '../agents/claims.ts';
import type { Cloud } from '../cloud/index.ts';
import { type ManagerContext, workloadKey } from '../context.ts';
import type { LinkedSessions } from '../sessions/registry.ts';
import { environmentParams, readEnvironment } from './environment.ts';

/** Longest time for which a workstation may change the log level: what a timer can wait. */
export const LOGLEVEL_MOST_MS = 2_147_483_647;
/** Names of extensions that this manager speaks. */
export const MANAGER_CAPABILITIES: readonly string[] = ['udp', 'dns', 'environment'];

const loglevelParams = z.looseObject({ level: z.enum(LOG_LEVELS), durationMs: z.number().min(0).max(LOGLEVEL_MOST_MS) });

function parse<T>(schema: z.ZodType<T>, params: unknown): T {
  const parsed = schema.safeParse(params);
  if (!parsed.success) throw new CodedError('TP-USAGE', `The call is not valid: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** What brings each log's own level back. */
const levelTimers = new WeakMap<Log, NodeJS.Timeout>();

/** For a while, or until changed when `durationMs` is 0. The level of the chart's values comes back after that; the last call counts. */
function setLogLevel({ log, logLevel }: Pick<ManagerContext, 'log' | 'logLevel'>, level: LogLevel, durationMs: number): void {
  clearTimeout(levelTimers.get(log));
  log.setLevel(level);
  if (durationMs > 0) levelTimers.set(log, setTimeout(() => log.setLevel(logLevel), durationMs).unref());
}

export function serveControl(stream: Duplex, options: { context: ManagerContext; sessions: LinkedSessions; cloud: Cloud; session: Session }): RpcPeer {
  const { context, sessions, cloud, session } = options;
  const uid = session.metadata.uid ?? '';

  const replicas = (): Replicas => {
    const peers = context.peers.list();
    return { names: peers.map(({ name }) => name), ready: peers.filter(({ ready }) => ready !== false).map(({ name }) => name) };
  };
  const welcome = (): Welcome => ({
    version: VERSION,
    replica: context.pod,
    capabilities: [...MANAGER_CAPABILITIES],
    ...(context.agentImage === undefined ? {} : { agentImage: context.agentImage }),
    cluster: context.cluster.info(),
    replicas: replicas(),
    ...(cloud.url === undefined ? {} : { cloud: { url: cloud.url } }),
  });

  const rpc = createRpcPeer(stream, {
    log: context.log,
    handlers: {
      welcome,
      ping: () => ({}),
      environment: (params, { signal }) => readEnvironment(context, uid, parse(environmentParams, params).intercept, signal),
      loglevel: (params) => {
        const { level, durationMs } = parse(loglevelParams, params);
        setLogLevel(context, level, durationMs);
        return {};
      },
      'cloud-link': (params, { signal }) => {
        const { url, token } = parse(cloudLinkParamsSchema, params);
        return cloud.link(url, token, signal);
      },
      probe: (params) => ({ agents: context.agents.probe(parse(probeIdSchema, params).id) }),
      'probe-seen': (params) => {
        const own = new Set(context.intercepts.list().flatMap((one) => (one.spec.session.uid === uid ? [workloadKey(workloadOf(one))] : [])));
        // Others' workloads are named only where the mark itself came by.
        return { hops: context.agents.probed(parse(probeIdSchema, params).id).filter(({ workload, marked }) => marked > 0 || own.has(workloadKey(workload))) };
      },
      leave: () => {
        sessions.end(uid);
        return {};
      },
    },
  });
  for (const agents of context.agents.direct(uid)) rpc.notify('direct', agents);
  let told = JSON.stringify(replicas());
  const stops = [
    context.cluster.onChange((info) => rpc.notify('cluster', info)),
    context.peers.onChange(() => {
      const now = replicas();
      if (JSON.stringify(now) === told) return;
      told = JSON.stringify(now);
      rpc.notify('replicas', now);
    }),
  ];
  void rpc.closed.then(() => {
    for (const stop of stops) stop();
  });
  return rpc;
}

/** Intercept objects as the cloud shows them, and ending one for it. */
import { z } from 'zod';
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { type CloudIntercept, endInterceptSchema } from '../../protocol/cloud.ts';
import { GROUP_VERSION, type Intercept, type Session } from '../../protocol/resources.ts';
import { workloadOf } from '../agents/claims.ts';
import type { ManagerContext, Watched } from '../context.ts';
import { CLOUD_TAKEN_EVERY_MS } from './limits.ts';

/** @param session the one whose intercept it is; undefined: not known
 * @param requests how many it took; undefined: not known */
export function cloudIntercept({ metadata, spec, status }: Intercept, session: Session | undefined, requests: number | undefined): CloudIntercept {
  const hostname = session?.spec.workstation.hostname;
  return {
    uid: metadata.uid ?? '',
    namespace: metadata.namespace ?? '',
    object: metadata.name,
    name: spec.name,
    user: spec.user,
    ...(hostname === undefined ? {} : { hostname }),
    workload: { kind: spec.workload.kind, name: spec.workload.name },
    ...(spec.service === undefined ? {} : { service: spec.service }),
    port: spec.port.number,
    mechanism: spec.mechanism,
    ...(spec.http === undefined ? {} : { http: spec.http }),
    target: { host: spec.target.host, port: spec.target.port },
    phase: status?.phase ?? 'Waiting',
    ...(status?.message === undefined ? {} : { message: status.message }),
    ...((status?.since ?? metadata.creationTimestamp) === undefined ? {} : { since: status?.since ?? metadata.creationTimestamp }),
    ...presence(session),
    ...(requests === undefined ? {} : { requests }),
  };
}

/** Whether the workstation is there; nothing is said of a session that has not had its first tunnel. */
function presence(session: Session | undefined): Pick<CloudIntercept, 'connected' | 'lastSeen'> {
  const { replicas, lostAt, lastSeen } = session?.status ?? {};
  if (lostAt !== undefined) return { connected: false, lastSeen: lostAt };
  return replicas === undefined || replicas.length === 0 ? {} : { connected: true, ...(lastSeen === undefined ? {} : { lastSeen }) };
}

/** Everybody's intercepts, of the sessions that are known. */
export function interceptView({ intercepts, sessionObjects, agents }: Pick<ManagerContext, 'intercepts' | 'sessionObjects' | 'agents'>): {
  list(): CloudIntercept[];
  subscribe(listener: () => void): () => void;
} {
  return {
    list() {
      const sessions = new Map(sessionObjects.list().map((session) => [session.metadata.uid, session] as const));
      return intercepts
        .list()
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map((intercept) =>
          cloudIntercept(intercept, sessions.get(intercept.spec.session.uid), agents.taken(workloadOf(intercept), intercept.metadata.uid ?? '')),
        );
    },
    subscribe(listener) {
      let timer: NodeJS.Timeout | undefined;
      const later = () => {
        timer ??= setTimeout(() => {
          timer = undefined;
          listener();
        }, CLOUD_TAKEN_EVERY_MS);
      };
      const stops = [
        intercepts.subscribe(listener),
        // Of a session that changes only its presence is of interest: `lastSeen` alone is written again and again.
        sessionObjects.subscribe((kind, session, old) => {
          if (kind !== 'modified' || presence(session).connected !== presence(old).connected) listener();
        }),
        agents.onTaken(later),
        () => clearTimeout(timer),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** Deletes the Intercept that the cloud names, unless another has taken its name since. That it is gone is as good. */
export async function endIntercept(
  options: { kube: KubeClient; intercepts: Watched<Intercept>; log: Log },
  params: unknown,
  signal: AbortSignal,
): Promise<object> {
  const { kube, intercepts, log } = options;
  const parsed = endInterceptSchema.safeParse(params);
  if (!parsed.success) throw new CodedError('TP-USAGE', `The call is not valid: ${z.prettifyError(parsed.error)}`);
  const { namespace, object, uid } = parsed.data;
  // Only what the cloud was told of: its names never reach a path unchecked.
  const known = intercepts.get(namespace, object);
  if (known === undefined || known.metadata.uid !== uid) return {};
  const path = resourcePath(GROUP_VERSION, 'intercepts', namespace, object);
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
  try {
    await kube.request('DELETE', path, { body, signal });
  } catch (error) {
    if (!(error instanceof CodedError) || (error.code !== 'TP-KUBE-NOT-FOUND' && error.code !== 'TP-KUBE-CONFLICT')) throw error;
  }
  log.info('ended an intercept for the cloud', { namespace, intercept: known.spec.name, user: known.spec.user });
  return {};
}

/** Which intercepts the agents of each workload are told of. An index over the Intercept objects, so that a change costs its own workload only. */
import { isDeepStrictEqual } from 'node:util';
import type { Intercept } from '../../protocol/resources.ts';
import type { AgentIntercept } from '../../protocol/tunnel.ts';
import { type Watched, type WorkloadRef, workloadKey } from '../context.ts';

export interface Claims {
  /** Granted and not ended claims of a workload, oldest first. */
  of(workload: WorkloadRef): AgentIntercept[];
  /** The claim by its uid, if agents of that workload may know it. */
  find(workload: WorkloadRef, uid: string): AgentIntercept | undefined;
  /** Workloads that have claims of a session. */
  workloadsOf(session: string): WorkloadRef[];
  onChange(listener: (workload: WorkloadRef) => void): () => void;
  close(): void;
}

export function workloadOf(intercept: Intercept): WorkloadRef {
  return { namespace: intercept.metadata.namespace ?? '', ...intercept.spec.workload };
}

/** What agents get of an Intercept; undefined when they get nothing. Pure. */
export function claimOf(intercept: Intercept): AgentIntercept | undefined {
  const { metadata, spec, status } = intercept;
  const told = status?.phase === 'Waiting' || status?.phase === 'Active' || status?.phase === 'Degraded';
  if (!told || status.granted !== true || status.containerPort === undefined || metadata.deletionTimestamp !== undefined || metadata.uid === undefined)
    return undefined;
  return {
    uid: metadata.uid,
    name: spec.name,
    session: spec.session.uid,
    containerPort: status.containerPort,
    protocol: spec.port.protocol,
    mechanism: spec.mechanism,
    ...(spec.http === undefined ? {} : { http: spec.http }),
    fallback: spec.fallback ?? false,
    proofHeader: spec.proofHeader ?? true,
    plaintext: spec.plaintext ?? false,
  };
}

export function createClaims(intercepts: Watched<Intercept>, options: { ended: (session: string) => boolean }): Claims {
  const byWorkload = new Map<string, { workload: WorkloadRef; intercepts: Map<string, Intercept> }>();
  const listeners = new Set<(workload: WorkloadRef) => void>();

  const put = (intercept: Intercept) => {
    const workload = workloadOf(intercept);
    const key = workloadKey(workload);
    const group = byWorkload.get(key) ?? { workload, intercepts: new Map<string, Intercept>() };
    group.intercepts.set(intercept.metadata.uid ?? '', intercept);
    byWorkload.set(key, group);
  };
  const take = (intercept: Intercept) => {
    const workload = workloadOf(intercept);
    const group = byWorkload.get(workloadKey(workload));
    group?.intercepts.delete(intercept.metadata.uid ?? '');
    if (group?.intercepts.size === 0) byWorkload.delete(workloadKey(workload));
  };
  for (const intercept of intercepts.list()) put(intercept);
  const unsubscribe = intercepts.subscribe((kind, intercept, old) => {
    // An object of the same name that was made anew has another uid, and may be of another workload.
    const known = old ?? byWorkload.get(workloadKey(workloadOf(intercept)))?.intercepts.get(intercept.metadata.uid ?? '');
    const before = known === undefined ? undefined : claimOf(known);
    const after = kind === 'deleted' ? undefined : claimOf(intercept);
    if (known !== undefined) take(known);
    if (kind === 'deleted') take(intercept);
    else put(intercept);
    // Most changes (phase, pods, message) are none of the agents' affair.
    if (isDeepStrictEqual(before, after)) return;
    const touched = new Map<string, WorkloadRef>();
    for (const one of known === undefined ? [intercept] : [known, intercept]) touched.set(workloadKey(workloadOf(one)), workloadOf(one));
    for (const workload of touched.values()) for (const listener of listeners) listener(workload);
  });

  const visible = (intercept: Intercept) => (options.ended(intercept.spec.session.uid) ? undefined : claimOf(intercept));
  return {
    of(workload) {
      const group = [...(byWorkload.get(workloadKey(workload))?.intercepts.values() ?? [])];
      const age = (intercept: Intercept) => `${intercept.metadata.creationTimestamp ?? ''} ${intercept.metadata.uid ?? ''}`;
      group.sort((a, b) => (age(a) < age(b) ? -1 : 1));
      return group.map(visible).filter((claim) => claim !== undefined);
    },
    find(workload, uid) {
      const intercept = byWorkload.get(workloadKey(workload))?.intercepts.get(uid);
      return intercept === undefined ? undefined : visible(intercept);
    },
    workloadsOf(session) {
      return [...byWorkload.values()]
        .filter(({ intercepts: group }) => [...group.values()].some(({ spec }) => spec.session.uid === session))
        .map(({ workload }) => workload);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: unsubscribe,
  };
}

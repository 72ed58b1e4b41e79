/**
 * The leader: the one replica that decides intercepts and changes workloads. `decide.ts`, `phase.ts`, `replace.ts`, `agent-plan.ts` and
 * their neighbours are pure; `reconcile.ts` brings one workload to what they say, and this file listens for what may have changed.
 */
import { randomUUID } from 'node:crypto';
import { CodedError, messageOf } from '../../base/errors.ts';
import { createWorkQueue } from '../../base/work-queue.ts';
import { createLeaderElection, resourcePath } from '../../kube/index.ts';
import { ANNOTATION, GROUP_VERSION, LEASE_NAME, type Session } from '../../protocol/resources.ts';
import { type ManagerContext, type Part, type WorkloadRef, workloadKey } from '../context.ts';
import { claimsExpired, sweep } from './lifetimes.ts';
import { RETRY_FIRST_MS, RETRY_MAX_MS, SWEEP_MS, WORKLOADS_AT_ONCE } from './limits.ts';
import { interceptsOf, leavesWithoutAgent, type Memory, newMemory, type ReconcileDeps, reconcile } from './reconcile.ts';
import { type ClusterView, watchView } from './view.ts';
import { keepCaBundle } from './webhook-ca.ts';
import { isEnding } from './workload.ts';
import { createWrites } from './writes.ts';

/** Takes part in the election; leads when it is its turn. */
export async function startLeader(context: ManagerContext): Promise<Part> {
  const log = context.log.child('leader');
  const election = createLeaderElection(context.kube, {
    namespace: context.namespace,
    name: LEASE_NAME,
    identity: `${context.pod}_${randomUUID().slice(0, 8)}`,
    log,
    onLead: (signal) => lead({ ...context, log }, signal),
    onLost: () => log.info('no longer leading'),
  });
  context.metrics.gauge('leading', 'Whether this replica leads.', () => (election.leading ? 1 : 0));
  return { close: () => election.close() };
}

/** Leads until `signal` is aborted; resolves when nothing of it is at work any more. */
export async function lead(context: ManagerContext, signal: AbortSignal): Promise<void> {
  const { log, intercepts, sessionObjects, agents } = context;
  log.info('leading');
  const refs = new Map<string, WorkloadRef>();
  const memories = new Map<string, Memory>();
  const memoryOf = (key: string): Memory => {
    const memory = memories.get(key) ?? newMemory();
    memories.set(key, memory);
    return memory;
  };
  const touch = (ref: WorkloadRef) => {
    const key = workloadKey(ref);
    refs.set(key, ref);
    queue.add(key);
  };
  const interesting = (ref: WorkloadRef): boolean =>
    refs.has(workloadKey(ref)) || view.workload(ref)?.spec?.template?.metadata?.annotations?.[ANNOTATION.agentConfig] !== undefined;
  const touchIfKnown = (ref: WorkloadRef) => {
    if (interesting(ref)) touch(ref);
  };
  const refOf = ({ metadata, spec }: { metadata: { namespace?: string | undefined }; spec: { workload: { kind: string; name: string } } }): WorkloadRef => ({
    namespace: metadata.namespace ?? '',
    kind: spec.workload.kind,
    name: spec.workload.name,
  });
  const touchSession = (session: Session) => {
    for (const intercept of intercepts.list()) if (intercept.spec.session.uid === session.metadata.uid) touch(refOf(intercept));
  };

  const view: ClusterView = watchView(
    context.kube,
    {
      workload: (ref) => started && touchIfKnown(ref),
      service: (namespace) => {
        for (const ref of refs.values()) if (ref.namespace === namespace) touch(ref);
      },
      pod: (pod, old, gone) => {
        if (!started || old === undefined || isEnding(old) || !(gone || isEnding(pod))) return;
        for (const ref of refs.values()) {
          if (ref.namespace === pod.metadata?.namespace && leavesWithoutAgent(view, ref, old)) memoryOf(workloadKey(ref)).leftAt = Date.now();
        }
      },
    },
    { log, signal, served: context.settings.namespaces, own: context.namespace },
  );
  let started = false;
  const writes = createWrites(context.kube, log, signal);
  const wait = context.settings.intercept.agentTimeoutMs;
  const deps: ReconcileDeps = { context, view, writes, signal, ...(wait === undefined ? {} : { agentWaitMs: wait }) };
  const queue = createWorkQueue({
    async work(key) {
      const ref = refs.get(key);
      if (ref === undefined || signal.aborted) return;
      const again = await reconcile(deps, ref, memoryOf(key));
      if (again !== undefined) queue.addAfter(key, again);
      else if (view.workload(ref) === undefined && interceptsOf(deps, ref).length === 0) {
        refs.delete(key);
        memories.delete(key);
      }
    },
    atOnce: WORKLOADS_AT_ONCE,
    retryFirstMs: RETRY_FIRST_MS,
    retryMostMs: RETRY_MAX_MS,
    onFailure: (key, error) => log.warn('a step failed and is tried again', { key, reason: messageOf(error) }),
  });
  queue.start();

  try {
    await view.ready;
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  started = true;
  const stops = [
    intercepts.subscribe((kind, intercept) => {
      if (kind === 'deleted') {
        writes.forget(intercept.metadata.uid ?? '');
        memoryOf(workloadKey(refOf(intercept))).errors.delete(intercept.metadata.uid ?? '');
      }
      touch(refOf(intercept));
    }),
    sessionObjects.subscribe((kind, session) => {
      touchSession(session);
      if (kind === 'deleted') void clean();
    }),
    agents.onReady((agent, what) => {
      const memory = memoryOf(workloadKey(agent.workload));
      for (const [intercept, pods] of memory.errors) if (what === 'gone' || agent.ready.has(intercept)) pods.delete(agent.pod);
      touchIfKnown(agent.workload);
    }),
    agents.onError((agent, intercept, message) => {
      const { errors } = memoryOf(workloadKey(agent.workload));
      const pods = errors.get(intercept) ?? new Map<string, string>();
      errors.set(intercept, pods.set(agent.pod, message));
      touchIfKnown(agent.workload);
    }),
    context.tls.onRenew(() => void keepCaBundle(context, signal)),
  ];
  for (const intercept of intercepts.list()) touch(refOf(intercept));
  for (const ref of view.withAgents()) touch(ref);

  async function clean(): Promise<void> {
    try {
      const now = Date.now();
      const due = sweep(intercepts.list(), sessionObjects.list(), { namespace: context.namespace, now });
      for (const { metadata } of due.sessions) await writes.remove('sessions', context.namespace, metadata.name, metadata.uid ?? '');
      for (const { metadata, spec } of due.intercepts) {
        // The watch of sessions may lag behind that of intercepts: only the API server's own word ends a claim.
        if (metadata.deletionTimestamp === undefined && !(await sessionExists(context, spec.session, signal))) {
          await writes.remove('intercepts', metadata.namespace ?? '', metadata.name, metadata.uid ?? '');
        }
      }
      for (const session of sessionObjects.list()) if (claimsExpired(session, now)) touchSession(session);
    } catch (error) {
      if (!signal.aborted) log.warn('a sweep of sessions failed', { reason: messageOf(error) });
    }
  }
  const round = () => {
    void clean();
    void keepCaBundle(context, signal);
  };
  const timer = setInterval(round, SWEEP_MS);
  timer.unref();
  round();

  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(timer);
  for (const stop of stops) stop();
  await queue.close();
}

async function sessionExists({ kube }: ManagerContext, session: { name: string; namespace: string; uid: string }, signal: AbortSignal): Promise<boolean> {
  try {
    const found = await kube.get<Session>(resourcePath(GROUP_VERSION, 'sessions', session.namespace, session.name), { signal });
    return found.metadata.uid === session.uid;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND') return false;
    throw error;
  }
}

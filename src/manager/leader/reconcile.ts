/** One workload brought to what its intercepts ask for. Decisions come from the pure files beside; this one reads and writes. */
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { resourcePath } from '../../kube/index.ts';
import { ANNOTATION, type Intercept, type WorkloadKind } from '../../protocol/resources.ts';
import { type ManagerContext, type WorkloadRef, workloadKey } from '../context.ts';
import { refusesNetAdmin } from '../injector/index.ts';
import { type Decision, decide, failedForGood, type Outcome } from './decide.ts';
import { diagnose, podProblem } from './diagnose.ts';
import { sessionOf } from './lifetimes.ts';
import { AGENT_WAIT_MS, REPLACE_FIRST_MS, REPLACE_MAX_MS, SETTLE_MS } from './limits.ts';
import { type InterceptStatus, phaseOf } from './phase.ts';
import { servicesOf } from './ports.ts';
import { planReplacement } from './replace.ts';
import { targetChanges } from './service-targets.ts';
import { configOf, installPatch, restartPatch, rollbackPatch, uninstallPatch } from './template.ts';
import type { ClusterView } from './view.ts';
import { asWorkload, isCurrent, isEnding, isReady, podsOf, replicaSetsOf, selects, type Workload, type WorkloadObject } from './workload.ts';
import type { Writes } from './writes.ts';

/** What is remembered of a workload between two rounds; lost with the lead, and learned again. */
export interface Memory {
  /** When traffic was last seen to change its way: a pod without a current agent began to end, or a Service got another target. */
  leftAt: number | undefined;
  /** Pods replaced because they started without an agent. */
  replaced: { count: number; at: number };
  /** The budget that forbade the last eviction. */
  budget: string | undefined;
  /** Intercept → pod → why its agent can't take it. */
  errors: Map<string, Map<string, string>>;
}
export const newMemory = (): Memory => ({ leftAt: undefined, replaced: { count: 0, at: 0 }, budget: undefined, errors: new Map() });

export interface ReconcileDeps {
  context: Pick<ManagerContext, 'kube' | 'log' | 'namespace' | 'ports' | 'settings' | 'intercepts' | 'sessionObjects' | 'agents' | 'peers'>;
  view: ClusterView;
  writes: Writes;
  signal: AbortSignal;
  agentWaitMs?: number;
  now?: () => number;
}

/** Intercepts of this manager's sessions on the workload that are not being deleted. */
export function interceptsOf(deps: Pick<ReconcileDeps, 'context'>, ref: WorkloadRef): Intercept[] {
  return deps.context.intercepts
    .list()
    .filter(
      ({ metadata, spec }) =>
        metadata.namespace === ref.namespace &&
        spec.workload.kind === ref.kind &&
        spec.workload.name === ref.name &&
        spec.session.namespace === deps.context.namespace &&
        metadata.deletionTimestamp === undefined,
    );
}

/** Does one round. Returns after how many ms another is needed though nothing changes; undefined: none. */
export async function reconcile(deps: ReconcileDeps, ref: WorkloadRef, memory: Memory): Promise<number | undefined> {
  const { context, view, writes } = deps;
  const now = (deps.now ?? Date.now)();
  const intercepts = interceptsOf(deps, ref).map((intercept) => ({ ...intercept, status: writes.statusOf(intercept) }) as Intercept);
  const object = writes.newest(ref, view.workload(ref));
  const kind = ref.kind as WorkloadKind;
  const owner = object === undefined ? undefined : configOf(object)?.manager;
  // Another manager's agents: its own leader sees to them.
  if (owner !== undefined && owner !== context.namespace && intercepts.length === 0) return undefined;
  if (object?.metadata?.annotations?.[ANNOTATION.uninstall] !== undefined && intercepts.every(({ status }) => status?.granted !== true)) {
    return uninstall(deps, ref, object, kind);
  }
  const decision = decide({
    object,
    kind,
    name: ref.name,
    intercepts,
    sessions: context.sessionObjects.list(),
    services: view.services(ref.namespace),
    policies: view.policies(ref.namespace),
    netAdminRefused: refusesNetAdmin(view.namespaceLabels(ref.namespace)) || !context.settings.agent.initContainer.enabled,
    firstPort: context.settings.agent.port,
    manager: managerAddress(deps),
    now,
  });
  // Told before anything restarts: who is granted, who is not, and what is about to happen.
  await Promise.all(intercepts.map((intercept) => tellOutcome(deps, intercept, decision, now)));
  if (object === undefined || decision.workload === undefined) return undefined;
  let newest = object;
  if (decision.restart && decision.config !== undefined) {
    context.log.info('putting an agent into a workload', { namespace: ref.namespace, workload: `${ref.kind}/${ref.name}` });
    newest = await writes.patchWorkload(ref, installPatch(object, decision.config, now));
  }
  const workload = asWorkload(kind, newest);
  const sets = view.replicaSets(ref.namespace);
  const pods = podsOf(workload, view.pods(ref.namespace), sets);
  const granted = intercepts.filter(({ metadata }) => decision.outcomes.get(metadata.uid ?? '')?.kind === 'granted');
  const failures = replicaSetsOf(workload, sets).flatMap(({ status }) =>
    (status?.conditions ?? []).flatMap(({ type, status: on, message }) =>
      type === 'ReplicaFailure' && on === 'True' && message !== undefined ? [message] : [],
    ),
  );
  const linked = new Set(context.agents.of(ref).map(({ pod }) => pod));
  const cause = () => diagnose({ workload, pods, replicaSets: sets, failures, linked, budget: memory.budget });
  if (await retargetServices(deps, workload)) memory.leftAt = now;
  const phases = granted.map((intercept) => tellPhase(deps, intercept, { workload, pods, memory, now, cause }));
  const times = await Promise.all(phases);
  if (await rollBackFailure(deps, ref, newest, { workload, pods, failures, granted, now, cause })) return undefined;
  times.push(await replacePods(deps, ref, { workload, pods, memory, now, wanted: granted.length > 0 }));
  const due = times.filter((time) => time !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

function managerAddress({ context, view }: ReconcileDeps) {
  return {
    namespace: context.namespace,
    namespaceLabels: view.namespaceLabels(context.namespace),
    podLabels: view.pods(context.namespace).find(({ metadata }) => context.peers.alive().has(metadata?.name ?? ''))?.metadata?.labels ?? {},
    addresses: context.peers.list().map(({ address }) => address),
    port: context.ports.agents,
  };
}

const since = (before: InterceptStatus | undefined, phase: InterceptStatus['phase'], now: number): string =>
  before?.phase === phase && before?.since !== undefined ? before.since : new Date(now).toISOString();

/** Errors and new grants; a claim that is granted already is left to its phase. */
async function tellOutcome({ writes }: ReconcileDeps, intercept: Intercept, decision: Decision, now: number): Promise<void> {
  const before = intercept.status;
  const outcome: Outcome = decision.outcomes.get(intercept.metadata.uid ?? '') ?? { kind: 'none' };
  if (outcome.kind === 'none') return;
  if (outcome.kind === 'error') {
    const { reason, message } = outcome;
    await writes.status(intercept, { phase: 'Error', granted: false, reason, message, since: since(before, 'Error', now) });
    return;
  }
  const { port } = outcome;
  if (before?.granted === true && before.containerPort === port.containerPort && !decision.restart) return;
  const status: InterceptStatus = {
    phase: 'Waiting',
    granted: true,
    containerPort: port.containerPort,
    container: intercept.spec.container ?? port.container,
    since: new Date(now).toISOString(),
  };
  if (before?.agents !== undefined) status.agents = before.agents;
  if (decision.warning !== undefined) status.warning = decision.warning;
  await writes.status(intercept, status);
}

interface Scene {
  workload: Workload;
  pods: readonly Pod[];
  memory: Memory;
  now: number;
}

async function tellPhase(deps: ReconcileDeps, intercept: Intercept, scene: Scene & { cause: () => string | undefined }): Promise<number | undefined> {
  const { workload, pods, memory, now } = scene;
  const uid = intercept.metadata.uid ?? '';
  const before = deps.writes.statusOf(intercept);
  const links = deps.context.agents.of({ namespace: workload.namespace, kind: workload.kind, name: workload.name });
  const settleLeft = memory.leftAt === undefined ? 0 : memory.leftAt + SETTLE_MS - now;
  const phase = phaseOf(before, {
    ready: pods.filter((pod) => isReady(pod) && !isEnding(pod)),
    taking: new Set(links.filter(({ ready }) => ready.has(uid)).map(({ pod }) => pod)),
    linked: new Set(links.map(({ pod }) => pod)),
    connected: (sessionOf(intercept, deps.context.sessionObjects.list())?.status?.replicas ?? []).length > 0,
    settled: settleLeft <= 0,
    errors: [...(memory.errors.get(uid)?.values() ?? [])],
    replicas: workload.replicas,
    now,
    waitMs: deps.agentWaitMs,
    cause: scene.cause,
  });
  const { granted, containerPort, container, warning } = before ?? {};
  const status: InterceptStatus = { ...phase, since: since(before, phase.phase, now) };
  if (containerPort !== undefined) status.containerPort = containerPort;
  if (container !== undefined) status.container = container;
  if (phase.phase === 'Waiting' && warning !== undefined) status.warning = warning;
  status.granted = granted === true && !failedForGood(status);
  await deps.writes.status(intercept, status);
  if (phase.phase === 'Degraded' && settleLeft > 0) return settleLeft;
  if (phase.phase !== 'Waiting') return undefined;
  const waitLeft = Date.parse(status.since ?? '') + (deps.agentWaitMs ?? AGENT_WAIT_MS) - now;
  return Math.max(1, settleLeft > 0 ? Math.min(settleLeft, waitLeft) : waitLeft);
}

/** Agents that keep every new pod from running are taken out again, so that a later restart of the app is not kept from running too. */
async function rollBackFailure(
  deps: ReconcileDeps,
  ref: WorkloadRef,
  object: WorkloadObject,
  scene: { workload: Workload; pods: readonly Pod[]; failures: readonly string[]; granted: readonly Intercept[]; now: number; cause: () => string | undefined },
): Promise<boolean> {
  const { workload, pods, granted } = scene;
  const timedOut = granted.length > 0 && granted.every((intercept) => deps.writes.statusOf(intercept)?.reason === 'AgentTimeout');
  const current = pods.filter((pod) => !isEnding(pod) && isCurrent(pod, workload.template));
  const broken = current.some((pod) => podProblem(pod) !== undefined) || (current.length === 0 && [...scene.failures, ...workload.failures].length > 0);
  const patch = timedOut && broken && !current.some(isReady) ? rollbackPatch(object) : undefined;
  if (patch === undefined) return false;
  const message = `${scene.cause() ?? 'Its pods did not start with an agent.'} The agent was taken out again.`;
  for (const intercept of granted) {
    await deps.writes.status(intercept, { phase: 'Error', reason: 'InjectionFailed', granted: false, message, since: new Date(scene.now).toISOString() });
  }
  deps.context.log.warn('an agent could not be put into a workload and is taken out again', {
    namespace: ref.namespace,
    workload: `${ref.kind}/${ref.name}`,
    reason: message,
  });
  await deps.writes.patchWorkload(ref, patch);
  return true;
}

/** creationTimestamp has whole seconds, and the API server's clock is another one. */
const CREATION_SLACK_MS = 1_500;

/** Pods whose controller does not bring the agent to them. Returns when to look again. */
async function replacePods(deps: ReconcileDeps, ref: WorkloadRef, scene: Scene & { wanted: boolean }): Promise<number | undefined> {
  const { workload, pods, memory, now } = scene;
  const plan = planReplacement(workload, pods, deps.view.replicaSets(ref.namespace), scene.wanted);
  if (plan.kind === 'none') {
    memory.budget = undefined;
    if (pods.some((pod) => isCurrent(pod, workload.template))) memory.replaced = { count: 0, at: 0 };
    return undefined;
  }
  if (plan.kind === 'wait') return undefined;
  // A pod of the newest template without an agent: the webhook was not there. Not again and again while it stays away.
  const failedOpen = plan.kind === 'restart' || workload.rollout.by !== 'eviction';
  const { count, at } = memory.replaced;
  const answered = pods.some((pod) => isCurrent(pod, workload.template) && Date.parse(pod.metadata?.creationTimestamp ?? '') >= at - CREATION_SLACK_MS);
  const pause = count === 0 || answered ? 0 : Math.min(REPLACE_MAX_MS, REPLACE_FIRST_MS * 2 ** (count - 1)) - (now - at);
  if (failedOpen && pause > 0) return pause;
  if (plan.kind === 'restart') {
    await deps.writes.patchWorkload(ref, restartPatch(now));
  } else if (!(await deps.writes.evict(ref.namespace, plan.pod.metadata?.name ?? ''))) {
    memory.budget = await budgetOf(deps, plan.pod);
    return REPLACE_FIRST_MS;
  }
  memory.budget = undefined;
  if (failedOpen) memory.replaced = { count: count + 1, at: now };
  return undefined;
}

async function budgetOf({ context, signal }: ReconcileDeps, pod: Pod): Promise<string> {
  try {
    const { items } = await context.kube.list<PodDisruptionBudget>(resourcePath('policy/v1', 'poddisruptionbudgets', pod.metadata?.namespace ?? ''), {
      signal,
    });
    const names = items.filter(({ spec }) => selects(spec?.selector, pod.metadata?.labels)).map(({ metadata }) => metadata?.name ?? '');
    return names.join(', ');
  } catch (error) {
    context.log.debug('budgets could not be listed', { error });
    return 'of its pods';
  }
}

/** `patched` ports: the Services that select this workload's pods get the agent's name, or their number back. Tells whether one did. */
async function retargetServices(deps: ReconcileDeps, workload: Workload): Promise<boolean> {
  const { view } = deps;
  let changed = false;
  const pods = view.pods(workload.namespace);
  const withAgents = view.withAgents(workload.namespace).flatMap((ref) => {
    const object = deps.writes.newest(ref, view.workload(ref));
    return object === undefined || object.metadata?.annotations?.[ANNOTATION.uninstall] !== undefined ? [] : [object];
  });
  for (const service of servicesOf(workload, view.services(workload.namespace))) {
    const selector = { matchLabels: service.spec?.selector ?? {} };
    const selected = pods.filter(({ metadata }) => selects(selector, metadata?.labels));
    const own = withAgents.filter(({ spec }) => selects(selector, spec?.template?.metadata?.labels)).flatMap((object) => configOf(object) ?? []);
    for (const change of targetChanges(service, selected, own, isReady)) {
      await deps.writes.retarget(workload.namespace, change);
      changed = true;
    }
  }
  return changed;
}

/** Services first, then the template. */
async function uninstall(deps: ReconcileDeps, ref: WorkloadRef, object: WorkloadObject, kind: WorkloadKind): Promise<undefined> {
  const workload = asWorkload(kind, object);
  await retargetServices(deps, workload);
  await deps.writes.patchWorkload(ref, uninstallPatch());
  const asked = object.metadata?.annotations?.[ANNOTATION.uninstall];
  deps.context.log.info('taking the agent out of a workload', { namespace: ref.namespace, workload: workloadKey(ref), asked });
}

/** Whether this pod is one of the workload's whose going away Active must wait for: it served, and without the agent of now. */
export function leavesWithoutAgent(view: ClusterView, ref: WorkloadRef, pod: Pod): boolean {
  const object = view.workload(ref);
  if (object === undefined || !isReady(pod)) return false;
  const workload = asWorkload(ref.kind as WorkloadKind, object);
  return !isCurrent(pod, workload.template) && podsOf(workload, [pod], view.replicaSets(ref.namespace)).length > 0;
}

/** What the node writes into a pod's status. Pure. */
import type { Container, ContainerStatus, PodCondition, PodStatus } from 'kubernetes-types/core/v1.js';
import type { Pod } from '../../controllers/core/types.ts';

export interface PodView {
  pod: Pod;
  hostIp: string;
  podIp: string | undefined;
  startTime: string;
  init: ContainerStatus[];
  main: ContainerStatus[];
  /** All init containers have done their work; sidecars among them have started. */
  initialized: boolean;
  /** Set when the pod has come to its end. */
  outcome: { phase: 'Succeeded' | 'Failed'; reason?: string; message?: string } | undefined;
}

/** Of a condition that needs none. */
const NO_REASON: [string?, string?] = [];

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

export function statusOf(view: PodView): PodStatus {
  const { pod, hostIp, podIp, outcome, init, main } = view;
  const phase = outcome?.phase ?? (view.initialized && main.length > 0 && main.every(hasBegun) ? 'Running' : 'Pending');
  return {
    phase,
    conditions: conditionsOf(view),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    startTime: view.startTime,
    ...(podIp === undefined ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
    qosClass: qosClassOf(pod),
    ...(outcome?.reason === undefined ? {} : { reason: outcome.reason }),
    ...(outcome?.message === undefined ? {} : { message: outcome.message }),
  };
}

/** Of a container before anything was done for it. */
export function waitingStatus({ name, image = '' }: Container, reason: string): ContainerStatus {
  return { name, image, imageID: '', ready: false, started: false, restartCount: 0, lastState: {}, state: { waiting: { reason } } };
}

const hasBegun = ({ state, lastState }: ContainerStatus): boolean =>
  state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined || lastState?.running !== undefined;

function conditionsOf(view: PodView): PodCondition[] {
  const { pod, initialized, init, main, podIp, outcome } = view;
  const before = pod.status?.conditions ?? [];
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));
  const unready = [...main, ...init.filter(({ name }) => sidecars.has(name))].filter(({ ready }) => !ready).map(({ name }) => name);
  const gates = (pod.spec.readinessGates ?? []).filter(({ conditionType }) => !before.some(({ type, status }) => type === conditionType && status === 'True'));
  const finished = outcome !== undefined;
  const why = (problem: string): [string?, string?] => {
    if (finished) return [outcome.phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed'];
    return ['ContainersNotReady', `containers with ${problem} status: [${unready.join(' ')}]`];
  };
  const uninitialized = init.filter(({ ready, state }) => !ready && state?.terminated?.exitCode !== 0).map(({ name }) => name);
  const ofInit: [string?, string?] = initialized ? [] : ['ContainersNotInitialized', `containers with incomplete status: [${uninitialized.join(' ')}]`];
  const contained = !finished && initialized && unready.length === 0;
  const ready = contained && gates.length === 0;
  const gated = `corresponding condition of pod readiness gate ${JSON.stringify(gates[0]?.conditionType)} does not exist.`;
  const unreadyWhy: [string?, string?] = contained ? ['ReadinessGatesNotReady', gated] : why('unready');
  const own: [type: string, ok: boolean, reason?: string, message?: string][] = [
    ['PodReadyToStartContainers', podIp !== undefined && !finished],
    ['Initialized', initialized, ...ofInit],
    ['Ready', ready, ...(ready ? NO_REASON : unreadyWhy)],
    ['ContainersReady', contained, ...(contained ? NO_REASON : why('unready'))],
    ['PodScheduled', true],
  ];
  const types = new Set(own.map(([type]) => type));
  return [
    ...own.map(([type, ok, reason, message]): PodCondition => {
      const status = ok ? 'True' : 'False';
      const old = before.find((condition) => condition.type === type);
      const lastTransitionTime = old?.status === status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : now();
      return { type, status, lastTransitionTime, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
    }),
    // those of others: readiness gates, DisruptionTarget
    ...before.filter(({ type }) => !types.has(type)),
  ];
}

function qosClassOf({ spec }: Pod): string {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const some = containers.some(({ resources }) =>
    Object.keys({ ...resources?.limits, ...resources?.requests }).some((name) => name === 'cpu' || name === 'memory'),
  );
  if (!some) return 'BestEffort';
  const guaranteed = containers.every(({ resources }) =>
    ['cpu', 'memory'].every((name) => {
      const limit = resources?.limits?.[name];
      return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Pods in a table: what state they are in, in one word. */
import { type ApiObject, at, isObject, type JsonObject } from '../../object.ts';
import { age, type Column, listAt, nameColumn, since, text, textAt, wide } from '../column.ts';

interface ContainerState {
  waiting?: { reason?: string };
  running?: object;
  terminated?: { reason?: string; exitCode?: number; signal?: number; finishedAt?: string };
}

const stateOf = (status: JsonObject): ContainerState => (isObject(status['state']) ? (status['state'] as ContainerState) : {});
const finishedAt = (status: JsonObject): string => textAt(status, 'lastState', 'terminated', 'finishedAt');

interface Summary {
  ready: number;
  total: number;
  restarts: number;
  lastRestart: string;
  reason: string;
}

function summary(pod: ApiObject): Summary {
  const containers = listAt(pod, 'spec', 'containers');
  const inits = listAt(pod, 'spec', 'initContainers');
  const sidecars = new Set(inits.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));
  const result: Summary = {
    ready: 0,
    total: containers.length + sidecars.size,
    restarts: 0,
    lastRestart: '',
    reason: textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase'),
  };
  const initial = initReason(pod, inits, sidecars, result);
  if (initial === undefined || conditionTrue(pod, 'Initialized')) mainReason(pod, sidecars, result);
  if (pod.metadata.deletionTimestamp !== undefined)
    result.reason = textAt(pod, 'status', 'reason') === 'NodeLost' ? 'Unknown' : finished(pod) ? result.reason : 'Terminating';
  return result;
}

const finished = (pod: ApiObject) => ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));
const conditionTrue = (pod: ApiObject, type: string) => listAt(pod, 'status', 'conditions').some((one) => one['type'] === type && one['status'] === 'True');

function ended({ reason = '', signal = 0, exitCode = 0 }: NonNullable<ContainerState['terminated']>): string {
  if (reason !== '') return reason;
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

/** Why the pod is still before its containers; undefined when it is not. */
function initReason(pod: ApiObject, inits: readonly JsonObject[], sidecars: ReadonlySet<unknown>, into: Summary): string | undefined {
  for (const [index, status] of listAt(pod, 'status', 'initContainerStatuses').entries()) {
    count(status, into);
    const state = stateOf(status);
    if (state.terminated?.exitCode === 0) continue;
    if (sidecars.has(status['name']) && status['started'] === true) {
      if (status['ready'] === true) into.ready++;
      continue;
    }
    let reason = `Init:${index}/${inits.length}`;
    if (state.terminated !== undefined) reason = `Init:${ended(state.terminated)}`;
    else if ((state.waiting?.reason ?? '') !== '' && state.waiting?.reason !== 'PodInitializing') reason = `Init:${state.waiting?.reason ?? ''}`;
    into.reason = reason;
    return reason;
  }
  return undefined;
}

function count(status: JsonObject, into: Summary): void {
  into.restarts += Number(status['restartCount'] ?? 0);
  const time = finishedAt(status);
  if (time > into.lastRestart) into.lastRestart = time;
}

function mainReason(pod: ApiObject, sidecars: ReadonlySet<unknown>, into: Summary): void {
  const statuses = listAt(pod, 'status', 'containerStatuses');
  const inits = listAt(pod, 'status', 'initContainerStatuses');
  into.restarts = 0;
  for (const status of inits) if (sidecars.has(status['name'])) count(status, into);
  let running = false;
  for (const status of [...statuses].reverse()) {
    count(status, into);
    const state = stateOf(status);
    if ((state.waiting?.reason ?? '') !== '') into.reason = state.waiting?.reason ?? '';
    else if (state.terminated !== undefined) into.reason = ended(state.terminated);
    else if (status['ready'] === true && state.running !== undefined) {
      running = true;
      into.ready++;
    }
  }
  if (into.reason === 'Completed' && running) into.reason = conditionTrue(pod, 'Ready') ? 'Running' : 'NotReady';
}

function readinessGates(pod: ApiObject): string {
  const gates = listAt(pod, 'spec', 'readinessGates');
  if (gates.length === 0) return '<none>';
  return `${gates.filter(({ conditionType }) => conditionTrue(pod, String(conditionType))).length}/${gates.length}`;
}

function restarts({ restarts: times, lastRestart }: Summary): string {
  return times > 0 && lastRestart !== '' ? `${times} (${since(lastRestart)} ago)` : String(times);
}

export const podColumns: Column[] = [
  nameColumn,
  text('Ready', (pod) => {
    const { ready, total } = summary(pod);
    return `${ready}/${total}`;
  }),
  text('Status', (pod) => summary(pod).reason),
  text('Restarts', (pod) => restarts(summary(pod))),
  age,
  wide('IP', (pod) => textAt(pod, 'status', 'podIP') || '<none>'),
  wide('Node', (pod) => textAt(pod, 'spec', 'nodeName') || '<none>'),
  wide('Nominated Node', (pod) => textAt(pod, 'status', 'nominatedNodeName') || '<none>'),
  wide('Readiness Gates', readinessGates),
];

export const nodeColumns: Column[] = [
  nameColumn,
  text('Status', (node) => {
    const ready = listAt(node, 'status', 'conditions').find(({ type }) => type === 'Ready');
    const words = [ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady'];
    if (at(node, 'spec', 'unschedulable') === true) words.push('SchedulingDisabled');
    return words.join(',');
  }),
  text('Roles', (node) => {
    const roles = Object.keys(node.metadata.labels ?? {}).flatMap((key) => /^node-role\.kubernetes\.io\/(.+)$/.exec(key)?.[1] ?? []);
    return roles.length === 0 ? '<none>' : roles.sort().join(',');
  }),
  age,
  text('Version', (node) => textAt(node, 'status', 'nodeInfo', 'kubeletVersion')),
  wide('Internal-IP', (node) => addressOf(node, 'InternalIP')),
  wide('External-IP', (node) => addressOf(node, 'ExternalIP')),
  wide('OS-Image', (node) => textAt(node, 'status', 'nodeInfo', 'osImage') || '<unknown>'),
  wide('Kernel-Version', (node) => textAt(node, 'status', 'nodeInfo', 'kernelVersion') || '<unknown>'),
  wide('Container-Runtime', (node) => textAt(node, 'status', 'nodeInfo', 'containerRuntimeVersion') || '<unknown>'),
];

function addressOf(node: ApiObject, type: string): string {
  return (
    textAt(
      listAt(node, 'status', 'addresses').find((one) => one['type'] === type),
      'address',
    ) || '<none>'
  );
}

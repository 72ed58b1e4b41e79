/**
 * Taking agents out of workloads with the user's own rights: who may not change a workload may not change it through us. The daemon
 * marks the workloads, and the leading manager does the rest in the right order (Services back to their numbers, then the template).
 */
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { sleep } from '../base/retry.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { ANNOTATION, GROUP_VERSION, type Intercept, workloadResource } from '../protocol/resources.ts';
import { findWorkload, hasAgent, type Workload } from './intercept/workloads.ts';

/** The leader must have taken the mark up within this. */
export const UNINSTALL_WAIT_MS = 15_000;
export const UNINSTALL_POLL_MS = 250;
/** Taking a mark back, also after Ctrl-C. */
const UNMARK_TIMEOUT_MS = 5_000;

/** The user's own credentials, and who that is. */
export interface Uninstaller {
  kube: KubeClient;
  log: Log;
  user: string;
}

const pathOf = ({ kind, namespace, name }: Workload): string => resourcePath('apps/v1', workloadResource(kind), namespace, name);
const shown = ({ kind, name }: Workload): string => `${kind} ${name}`;

/**
 * The workloads that `wanted` names.
 * @throws TP-WORKLOAD-NOT-FOUND, also for one that has no agent; TP-WORKLOAD-AMBIGUOUS
 */
export function chooseAgents(wanted: readonly string[], namespace: string, workloads: readonly Workload[]): Workload[] {
  return wanted.map((name) => {
    const withAgent = workloads.filter((workload) => hasAgent(workload));
    const found = withAgent.some((workload) => workload.name === name && workload.namespace === namespace)
      ? findWorkload(name, namespace, withAgent, [])
      : findWorkload(name, namespace, workloads, []);
    if (!hasAgent(found)) throw new CodedError('TP-WORKLOAD-NOT-FOUND', `${shown(found)} in namespace ${namespace} has no traffic-agent.`);
    return found;
  });
}

/** @throws TP-UNINSTALL-FORBIDDEN with every right that is missing */
async function checkRights({ kube, user }: Uninstaller, chosen: readonly Workload[], signal: AbortSignal): Promise<void> {
  const answers = await Promise.all(
    chosen.map(async (workload) => {
      const { kind, namespace, name } = workload;
      const { allowed } = await kube.canI({ verb: 'patch', group: 'apps', resource: workloadResource(kind), namespace, name }, { signal });
      return allowed ? undefined : `${workloadResource(kind)}.apps "${name}" in namespace ${namespace}`;
    }),
  );
  const missing = answers.filter((answer) => answer !== undefined);
  if (missing.length > 0) {
    const them = missing.length === 1 ? 'this agent' : 'these agents';
    throw new CodedError('TP-UNINSTALL-FORBIDDEN', `${user} may not uninstall ${them}: the right to patch ${missing.join(', ')} is missing.`);
  }
}

/** @throws TP-INTERCEPT-CONFLICT while another user's intercept is there, TP-INTERCEPT-EXISTS while one's own is */
async function checkUnused({ kube, user }: Uninstaller, chosen: readonly Workload[], signal: AbortSignal): Promise<void> {
  const namespaces = [...new Set(chosen.map(({ namespace }) => namespace))];
  const lists = await Promise.all(namespaces.map((namespace) => kube.list<Intercept>(resourcePath(GROUP_VERSION, 'intercepts', namespace), { signal })));
  for (const workload of chosen) {
    const there = lists
      .flatMap(({ items }) => items)
      .filter(
        ({ metadata, spec, status }) =>
          metadata.namespace === workload.namespace &&
          spec.workload.kind === workload.kind &&
          spec.workload.name === workload.name &&
          status?.phase !== 'Error' &&
          metadata.deletionTimestamp === undefined,
      );
    const foreign = there.find(({ spec }) => spec.user !== user);
    const refused = `The agent of ${shown(workload)} can't be uninstalled`;
    if (foreign !== undefined) throw new CodedError('TP-INTERCEPT-CONFLICT', `${refused}: ${foreign.spec.user} intercepts it (${foreign.spec.name}).`);
    if (there[0] !== undefined) throw new CodedError('TP-INTERCEPT-EXISTS', `${refused} while your intercept ${there[0].spec.name} is there.`);
  }
}

/** Marks it and waits until its pods are told to come without an agent; else takes the mark back. */
async function uninstallAgent({ kube, log, user }: Uninstaller, workload: Workload, signal: AbortSignal): Promise<void> {
  const path = pathOf(workload);
  const mark = (value: string | null, during: AbortSignal): Promise<unknown> =>
    kube.patch(path, 'merge', { metadata: { annotations: { [ANNOTATION.uninstall]: value } } }, { signal: during, fieldManager: 'telepresence' });
  try {
    await mark(user, signal);
    const until = Date.now() + UNINSTALL_WAIT_MS;
    while (await isThere(kube, path, signal)) {
      if (Date.now() > until) {
        const late = `No leading traffic-manager took the agent of ${shown(workload)} out within ${UNINSTALL_WAIT_MS / 1000} s. It stays as it was.`;
        throw new CodedError('TP-MANAGER-NOT-READY', late);
      }
      await sleep(UNINSTALL_POLL_MS, signal);
    }
  } catch (error) {
    // an agent that is taken out at a later time, when nobody expects it, is worse than none taken out
    await mark(null, AbortSignal.timeout(UNMARK_TIMEOUT_MS)).catch((cause: unknown) => {
      if (codeOf(cause) !== 'TP-KUBE-NOT-FOUND') log.warn('the mark of an uninstall could not be taken back', { path, reason: messageOf(cause) });
    });
    throw error;
  }
}

/** Whether the workload's pods get an agent; not when it was deleted meanwhile. */
async function isThere(kube: KubeClient, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { spec } = await kube.get<{ spec?: { template?: Workload['template'] } }>(path, { signal });
    return hasAgent({ template: spec?.template ?? {} });
  } catch (error) {
    if (codeOf(error) === 'TP-KUBE-NOT-FOUND') return false;
    throw error;
  }
}

/**
 * Takes the agents of these workloads out; they roll on by themselves when it returns. Nothing is changed unless the user may change
 * them all and nobody intercepts any.
 * @returns `Kind/name` of each
 */
export async function uninstallAgents(options: Uninstaller, chosen: readonly Workload[], signal: AbortSignal): Promise<string[]> {
  await checkRights(options, chosen, signal);
  await checkUnused(options, chosen, signal);
  const results = await Promise.allSettled(chosen.map((workload) => uninstallAgent(options, workload, signal)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return chosen.map(({ kind, name }) => `${kind}/${name}`);
}

/**
 * Taking agents out at a user's word. Any replica takes the call; it marks the workloads, and the leader does the rest in the right order
 * (Services back to their numbers, then the template), also when it is another one by then.
 */
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import { CodedError } from '../../base/errors.ts';
import { sleep } from '../../base/retry.ts';
import { resourcePath } from '../../kube/index.ts';
import { ANNOTATION, type Session, WORKLOAD_KINDS } from '../../protocol/resources.ts';
import type { ManagerContext, WorkloadRef } from '../context.ts';
import { UNINSTALL_ANNOTATION } from './template.ts';
import type { WorkloadObject } from './workload.ts';

/** The leader must have taken the mark up within this. */
export const UNINSTALL_WAIT_MS = 15_000;
export const UNINSTALL_POLL_MS = 250;

export interface UninstallRequest {
  namespace: string;
  /** `web` or `deployment/web`; `all`: every workload of the namespace that has an agent. */
  workloads: readonly string[] | 'all';
}

type Context = Pick<ManagerContext, 'kube' | 'intercepts' | 'namespace' | 'log'>;

/**
 * @returns `Kind/name` of the workloads whose agents go.
 * @throws TP-WORKLOAD-NOT-FOUND for a name that has no agent; TP-INTERCEPT-CONFLICT, before anything is changed, while another user's
 * intercept is there. The user's own intercepts there must have been left.
 */
export async function uninstallAgents(context: Context, session: Session, request: UninstallRequest, signal: AbortSignal): Promise<string[]> {
  const { kube } = context;
  const found = (
    await Promise.all(
      WORKLOAD_KINDS.map(async (kind) => {
        const { items } = await kube.list<WorkloadObject>(resourcePath('apps/v1', `${kind.toLowerCase()}s`, request.namespace), { signal });
        return items
          .filter((object) => object.metadata?.ownerReferences?.some(({ controller }) => controller === true) !== true && hasAgentConfig(object))
          .map((object): WorkloadRef => ({ namespace: request.namespace, kind, name: object.metadata?.name ?? '' }));
      }),
    )
  ).flat();
  const chosen = request.workloads === 'all' ? found : request.workloads.map((wanted) => choose(wanted, found, request.namespace));
  for (const ref of chosen) refuseWhileIntercepted(context, session, ref);
  for (const { namespace, kind, name } of chosen) {
    const patch = { metadata: { annotations: { [UNINSTALL_ANNOTATION]: session.spec.user } } };
    await kube.patch(pathOf({ namespace, kind, name }), 'merge', patch, { signal, fieldManager: 'traffic-manager' });
    context.log.info('uninstall of an agent was asked for', { namespace, workload: `${kind}/${name}`, user: session.spec.user });
  }
  await Promise.all(chosen.map((ref) => waitUntilGone(context, ref, signal)));
  return chosen.map(({ kind, name }) => `${kind}/${name}`);
}

const pathOf = ({ namespace, kind, name }: WorkloadRef): string => resourcePath('apps/v1', `${kind.toLowerCase()}s`, namespace, name);
const hasAgentConfig = (object: WorkloadObject): boolean => object.spec?.template?.metadata?.annotations?.[ANNOTATION.agentConfig] !== undefined;

function choose(wanted: string, found: readonly WorkloadRef[], namespace: string): WorkloadRef {
  const [first = '', second] = wanted.split('/', 2);
  const [kind, name] = second === undefined ? [undefined, first] : [first.toLowerCase(), second];
  const [match, another] = found.filter((ref) => ref.name === name && (kind === undefined || ref.kind.toLowerCase() === kind));
  if (match === undefined) throw new CodedError('TP-WORKLOAD-NOT-FOUND', `No workload "${wanted}" with a traffic-agent in namespace ${namespace}.`);
  if (another !== undefined) throw new CodedError('TP-WORKLOAD-AMBIGUOUS', `"${wanted}" in namespace ${namespace} is a ${match.kind} and a ${another.kind}.`);
  return match;
}

function refuseWhileIntercepted({ intercepts }: Context, session: Session, ref: WorkloadRef): void {
  const there = intercepts
    .list()
    .filter(
      ({ metadata, spec, status }) =>
        metadata.namespace === ref.namespace &&
        spec.workload.kind === ref.kind &&
        spec.workload.name === ref.name &&
        status?.phase !== 'Error' &&
        metadata.deletionTimestamp === undefined,
    );
  const [foreign] = there.filter(({ spec }) => spec.user !== session.spec.user);
  const what = `${ref.kind} ${ref.name}`;
  if (foreign !== undefined)
    throw new CodedError('TP-INTERCEPT-CONFLICT', `The agent of ${what} can't be uninstalled: ${foreign.spec.user} intercepts it (${foreign.spec.name}).`);
  const [own] = there;
  if (own !== undefined)
    throw new CodedError('TP-INTERCEPT-EXISTS', `The agent of ${what} can't be uninstalled while your intercept ${own.spec.name} is there.`);
}

async function waitUntilGone({ kube }: Context, ref: WorkloadRef, signal: AbortSignal): Promise<void> {
  const until = Date.now() + UNINSTALL_WAIT_MS;
  for (;;) {
    const object = await kube.get<Deployment>(pathOf(ref), { signal });
    if (!hasAgentConfig(object)) return;
    if (Date.now() > until) {
      throw new CodedError(
        'TP-MANAGER-NOT-READY',
        `The agent of ${ref.kind} ${ref.name} is marked to be uninstalled, but no leading traffic-manager did it within ${UNINSTALL_WAIT_MS / 1000} s.`,
      );
    }
    await sleep(UNINSTALL_POLL_MS, signal);
  }
}

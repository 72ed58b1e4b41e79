/** Takes the traffic-manager away: everything the installer made but the namespace. */
import { z } from 'zod';
import { CodedError, codeOf } from '../base/errors.ts';
import { sleep } from '../base/retry.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { CA_SECRET, GROUP, GROUP_VERSION, LEASE_NAME, MANAGER_NAME, USER_ROLE } from '../protocol/resources.ts';
import { deleteAll } from './apply.ts';
import { customResourceDefinitions } from './crds.ts';
import { refuseHelmRelease } from './install.ts';
import type { KubeObject } from './kube-object.ts';
import { POD_DELETION_TIMEOUT_MS, ROLLOUT_POLL_MS } from './limits.ts';
import { COMMON_LABELS } from './naming.ts';
import { checkRights } from './preflight.ts';
import { renderManifests } from './render.ts';
import { POD_SELECTOR } from './rollout.ts';
import { readStoredValues, storedValuesObject } from './stored-values.ts';
import { parseValues } from './values.ts';

export interface UninstallOptions {
  namespace: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((line: string) => void) | undefined;
  /** Takes the agents out; called when it is known that the user may remove the manager, and before anything of it goes. */
  agentsGo?: () => Promise<void>;
}

const ownedSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.looseObject({ session: z.looseObject({ namespace: z.string() }).optional() }),
});
const namedSchema = z.looseObject({ metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }) });

/** Sessions and Intercepts, as paths: this manager's, and whether there are others'. */
async function resources(kube: KubeClient, namespace: string, signal: AbortSignal | undefined): Promise<{ own: string[]; others: number }> {
  const found = { own: [] as string[], others: 0 };
  for (const plural of ['intercepts', 'sessions']) {
    let items: unknown[];
    try {
      ({ items } = await kube.list<unknown>(resourcePath(GROUP_VERSION, plural), { signal }));
    } catch (error) {
      // The definition is not there, so neither is any object of it.
      if (codeOf(error) === 'TP-KUBE-NOT-FOUND') continue;
      throw error;
    }
    for (const item of items) {
      const { metadata, spec } = ownedSchema.parse(item);
      if ((spec.session?.namespace ?? metadata.namespace) === namespace) found.own.push(resourcePath(GROUP_VERSION, plural, metadata.namespace, metadata.name));
      else found.others++;
    }
  }
  return found;
}

/** Whether another manager uses the definitions. */
async function otherManagers(kube: KubeClient, namespace: string, signal: AbortSignal | undefined): Promise<boolean> {
  const { items } = await kube.list<unknown>(resourcePath('apps/v1', 'deployments'), {
    labelSelector: `app.kubernetes.io/name=${COMMON_LABELS['app.kubernetes.io/name']}`,
    signal,
  });
  return items.map((item) => namedSchema.parse(item).metadata).some((metadata) => metadata.name === MANAGER_NAME && metadata.namespace !== namespace);
}

async function podsGone(kube: KubeClient, options: UninstallOptions): Promise<void> {
  const deadline = Date.now() + POD_DELETION_TIMEOUT_MS;
  for (;;) {
    const { items } = await kube.list<unknown>(resourcePath('v1', 'pods', options.namespace), { labelSelector: POD_SELECTOR, signal: options.signal });
    if (items.length === 0) return;
    if (Date.now() >= deadline)
      throw new CodedError('TP-INSTALL-FAILED', `Pods of the traffic-manager in namespace ${options.namespace} do not end.`, {
        help: `\`kubectl -n ${options.namespace} get pods\` shows them; the rest is removed by running the command again.`,
      });
    await sleep(ROLLOUT_POLL_MS, options.signal);
  }
}

/**
 * The webhook goes first (nothing is injected from then on), then the sessions and intercepts, the manager, and last the policies and
 * definitions that guarded them. Definitions stay while another manager in the cluster uses them. Running it again finishes
 * what was interrupted.
 */
export async function uninstallManager(kube: KubeClient, options: UninstallOptions): Promise<void> {
  const { namespace, signal, onProgress } = options;
  await refuseHelmRelease(kube, namespace, 'uninstall', signal);
  const given = (await readStoredValues(kube, namespace, signal)) ?? {};
  const made = (apiVersion: string, kind: string, name: string): KubeObject => ({ apiVersion, kind, metadata: { name, namespace } });
  const rendered = [
    ...renderManifests(parseValues(given), { namespace }),
    storedValuesObject(namespace, given),
    made('v1', 'Secret', CA_SECRET),
    made('coordination.k8s.io/v1', 'Lease', LEASE_NAME),
  ];
  await checkRights(kube, rendered, { verbs: ['delete'], purpose: 'remove the traffic-manager', signal });
  await options.agentsGo?.();
  const kinds = (...names: string[]) => rendered.filter((object) => names.includes(object.kind));
  await deleteAll(kube, kinds('MutatingWebhookConfiguration'), options);
  const { own, others } = await resources(kube, namespace, signal);
  if (own.length > 0) onProgress?.(`Removing ${own.length} sessions and intercepts`);
  for (const path of own) {
    await kube.delete(path, { signal }).catch((error: unknown) => {
      if (codeOf(error) !== 'TP-KUBE-NOT-FOUND') throw error;
    });
  }
  onProgress?.('Removing the traffic-manager');
  await deleteAll(kube, kinds('Deployment', 'PodDisruptionBudget'), options);
  await podsGone(kube, options);
  const shared = others > 0 || (await otherManagers(kube, namespace, signal));
  if (shared) onProgress?.(`The definitions of ${GROUP} and the ClusterRole ${USER_ROLE} stay: another traffic-manager uses them`);
  await deleteAll(kube, shared ? rendered.filter((object) => !isShared(object)) : definitionsLast(rendered), options);
}

/** What all managers of a cluster have in common. */
function isShared(object: KubeObject): boolean {
  return object.kind === 'CustomResourceDefinition' || (object.metadata.namespace === undefined && object.metadata.name === USER_ROLE);
}

/** Deleting goes from the end, and the policies guard objects for as long as the definitions are there. */
function definitionsLast(objects: KubeObject[]): KubeObject[] {
  const isDefinition = (object: KubeObject) => object.kind === 'CustomResourceDefinition';
  return [...customResourceDefinitions(), ...objects.filter((object) => !isDefinition(object))];
}

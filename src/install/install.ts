/** Installing, upgrading and removing the traffic-manager. */
import { CodedError, codeOf } from '../base/errors.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { applyAll, deleteAll, FIELD_MANAGER } from './apply.ts';
import { type ImageWishes, withImageWishes } from './image-name.ts';
import type { KubeObject } from './kube-object.ts';
import { mergeValues } from './merge-values.ts';
import { checkRights } from './preflight.ts';
import { renderManifests } from './render.ts';
import { isStuckOnImage, managerPods, waitForManager } from './rollout.ts';
import { managerStatus } from './status.ts';
import { readStoredValues, storedValuesObject } from './stored-values.ts';
import { parseValues } from './values.ts';

export interface InstallOptions {
  namespace: string;
  /** What the administrator gave; checked here. */
  values?: Record<string, unknown>;
  /** Where the image comes from when the values do not say. */
  images?: ImageWishes;
  /** Wait until the manager is ready. Default true. */
  wait?: boolean;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((line: string) => void) | undefined;
}

async function namespaceExists(kube: KubeClient, namespace: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await kube.get(resourcePath('v1', 'namespaces', undefined, namespace), { signal });
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'TP-KUBE-NOT-FOUND') return false;
    // Whoever may not look at the namespace can still have rights in it: the reviews tell.
    if (code === 'TP-KUBE-FORBIDDEN') return true;
    throw error;
  }
}

/** What Helm installed is Helm's: two installers would undo each other's work. */
export async function refuseHelmRelease(kube: KubeClient, namespace: string, command: 'upgrade' | 'uninstall', signal: AbortSignal | undefined): Promise<void> {
  const status = await managerStatus(kube, namespace, { signal }).catch((error: unknown) => {
    // Whoever may not look at the Deployment may not change it either: the check of rights says so in full.
    if (codeOf(error) === 'TP-KUBE-FORBIDDEN') return undefined;
    throw error;
  });
  if (status?.state !== 'installed' || status.helmRelease === undefined) return;
  throw new CodedError('TP-INSTALL-FAILED', `The traffic-manager in namespace ${namespace} was installed by Helm, as release ${status.helmRelease}.`, {
    help: `Run \`helm ${command} ${status.helmRelease}${command === 'upgrade' ? ' deploy/chart' : ''} --namespace ${namespace}\`.`,
  });
}

/** Pods that wait for an image would look for it again only after minutes; new ones look at once. */
async function replaceStuckPods(kube: KubeClient, namespace: string, signal: AbortSignal | undefined): Promise<void> {
  for (const pod of await managerPods(kube, namespace, signal)) {
    if (!isStuckOnImage(pod)) continue;
    const { allowed } = await kube.canI({ verb: 'delete', resource: 'pods', namespace }, { signal });
    if (!allowed) return;
    try {
      await kube.delete(resourcePath('v1', 'pods', namespace, pod.metadata.name), { signal });
    } catch (error) {
      if (codeOf(error) !== 'TP-KUBE-NOT-FOUND') throw error;
    }
  }
}

async function rollOut(
  kube: KubeClient,
  given: Record<string, unknown>,
  until: 'one' | 'all',
  obsolete: (now: KubeObject[]) => Promise<KubeObject[]>,
  options: InstallOptions,
): Promise<void> {
  const { namespace, signal, onProgress } = options;
  const values = withImageWishes(parseValues(given), options.images ?? {});
  const exists = await namespaceExists(kube, namespace, signal);
  const objects = [...renderManifests(values, { namespace, createNamespace: !exists }), storedValuesObject(namespace, given)];
  const dryRun = { fieldManager: FIELD_MANAGER, missingNamespace: exists ? undefined : namespace };
  await checkRights(kube, objects, { verbs: ['create', 'patch'], purpose: 'install the traffic-manager', dryRun, signal });
  const before = await obsolete(objects);
  if (exists) await replaceStuckPods(kube, namespace, signal);
  onProgress?.(`Applying the traffic-manager's objects in namespace ${namespace}`);
  await applyAll(kube, objects, { signal, onProgress });
  await deleteAll(kube, before, { signal, onProgress });
  if (options.wait === false) return;
  await waitForManager(kube, { namespace, until, signal, onProgress, ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }) });
}

/**
 * Installs, or brings an installation to the values given. Rights are checked before anything is changed; running it again
 * changes nothing, so that an installation that was interrupted is mended by the next one.
 */
export async function installManager(kube: KubeClient, options: InstallOptions): Promise<void> {
  await refuseHelmRelease(kube, options.namespace, 'upgrade', options.signal);
  await rollOut(kube, options.values ?? {}, 'one', async () => [], options);
}

/** `reuse`: the values given are laid on those of before; `reset`: only those given and the defaults. */
export async function upgradeManager(kube: KubeClient, options: InstallOptions & { previous: 'reuse' | 'reset' }): Promise<void> {
  const { namespace, signal } = options;
  await refuseHelmRelease(kube, namespace, 'upgrade', signal);
  if ((await managerStatus(kube, namespace, { signal })).state === 'missing') {
    throw new CodedError('TP-MANAGER-MISSING', `There is no traffic-manager in namespace ${namespace} to upgrade.`);
  }
  const stored = options.previous === 'reuse' ? await readStoredValues(kube, namespace, signal) : undefined;
  const given = mergeValues(stored ?? {}, options.values ?? {});
  const key = (object: KubeObject) => `${object.apiVersion} ${object.kind} ${object.metadata.namespace ?? ''} ${object.metadata.name}`;
  await rollOut(
    kube,
    given,
    'all',
    async (now) => {
      const kept = new Set(now.map(key));
      const last = await readStoredValues(kube, namespace, signal);
      return last === undefined ? [] : renderManifests(parseValues(last), { namespace }).filter((object) => !kept.has(key(object)));
    },
    options,
  );
}

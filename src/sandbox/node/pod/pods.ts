/** All pods that are bound to a node of this sandbox: a worker for each. */
import type { Stored } from '../../controllers/core/types.ts';
import { CONFIG_MAPS, type Kind, type Pod } from '../../controllers/core/types.ts';
import type { NodeContext } from '../context.ts';
import { createPodWorker, type PodWorker } from './worker.ts';

export interface NodePods {
  find(namespace: string, name: string): PodWorker | undefined;
  /** Every pod ends. */
  close(): Promise<void>;
}

const SECRETS: Kind = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };

export function startPods(context: NodeContext): NodePods {
  const workers = new Map<string, PodWorker>();

  function seen(pod: Pod): void {
    const { uid } = pod.metadata;
    const known = workers.get(uid);
    if (known !== undefined) return known.update(pod);
    const node = context.nodes.find(({ name }) => name === pod.spec.nodeName);
    if (node === undefined) return;
    if (pod.metadata.deletionTimestamp === undefined && (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed')) return;
    const worker = createPodWorker(context, node, pod);
    workers.set(uid, worker);
    // deleted before it was seen
    worker.update(pod);
    worker.done.catch((error: unknown) => context.log.error('a pod could not be ended', { pod: pod.metadata.name, error })).finally(() => workers.delete(uid));
  }

  context.pods.onChange((now, old) => {
    if (now !== undefined) seen(now);
    else if (old !== undefined) workers.get(old.metadata.uid)?.gone();
  });
  for (const pod of context.pods.list()) seen(pod);
  for (const kind of [CONFIG_MAPS, SECRETS])
    context.cache(kind).onChange((now: Stored | undefined, old: Stored | undefined) => {
      if (now === undefined || old === undefined) return;
      for (const worker of workers.values())
        if (context.pods.byUid(worker.uid)?.metadata.namespace === now.metadata.namespace) worker.sourceChanged(`${kind.plural}/${now.metadata.name}`);
    });

  return {
    find(namespace, name) {
      const pod = context.pods.get(namespace, name);
      return pod === undefined ? undefined : workers.get(pod.metadata.uid);
    },
    async close() {
      const all = [...workers.values()];
      for (const worker of all) worker.gone();
      await Promise.all(all.map((worker) => worker.done));
    },
  };
}

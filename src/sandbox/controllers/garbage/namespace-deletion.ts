/** Namespaces that are to go: first everything that is in them, then they themselves. */
import { resourcePath } from '../../../kube/paths.ts';
import { type ControllerContext, isNotFound } from '../core/context.ts';
import { NAMESPACE_LOOK_AGAIN_MS } from '../core/limits.ts';
import { createQueue } from '../core/queue.ts';
import { NAMESPACES, type Namespace, type Stored } from '../core/types.ts';
import { builtInKinds, customKinds, EVENTS } from './kinds.ts';

export function startNamespaceDeletion(context: ControllerContext): () => void {
  const namespaces = context.cache(NAMESPACES);
  const queue = createQueue({ name: 'namespace-deletion', log: context.log, signal: context.signal, work: sync });
  namespaces.onChange((now) => {
    if (now?.metadata.deletionTimestamp !== undefined) queue.add(now.metadata.name);
  });

  async function sync(name: string): Promise<void> {
    const namespace = namespaces.get('', name);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const kinds = [...builtInKinds(), ...customKinds(context), EVENTS].filter(({ namespaced }) => namespaced);
    const left = await Promise.all(kinds.map((kind) => empty(resourcePath(kind.apiVersion, kind.plural, name))));
    if (left.some((count) => count > 0)) queue.addAfter(name, NAMESPACE_LOOK_AGAIN_MS);
    else await finalize(namespace);
  }

  /** How many are left: those that somebody else must end first. */
  async function empty(path: string): Promise<number> {
    const { signal } = context;
    const { items } = await context.client.list<Stored>(path, { signal });
    if (items.length === 0) return 0;
    if (items.some(({ metadata }) => metadata.deletionTimestamp === undefined))
      await context.client.request('DELETE', path, { body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }, signal });
    return (await context.client.list<Stored>(path, { signal })).items.length;
  }

  async function finalize(namespace: Namespace): Promise<void> {
    try {
      const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== 'kubernetes');
      await context.replace(NAMESPACES, { ...namespace, spec: { ...namespace.spec, finalizers } }, 'finalize');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return queue.start;
}

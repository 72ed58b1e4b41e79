/** What every namespace has: the service account `default`, and the certificate of the API server for its pods. */
import { type ControllerContext, isConflict, isNotFound } from '../core/context.ts';
import { createQueue } from '../core/queue.ts';
import { CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS } from '../core/types.ts';

const ROOT_CA = 'kube-root-ca.crt';
const DEFAULT_ACCOUNT = 'default';

export function startNamespaceDefaults(context: ControllerContext, caCertificate: string): () => void {
  const namespaces = context.cache(NAMESPACES);
  const accounts = context.cache(SERVICE_ACCOUNTS);
  const maps = context.cache(CONFIG_MAPS);
  const queue = createQueue({
    name: 'namespace-defaults',
    log: context.log,
    signal: context.signal,
    async work(namespace) {
      const object = namespaces.get('', namespace);
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
      try {
        if (accounts.get(namespace, DEFAULT_ACCOUNT) === undefined)
          await context.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: DEFAULT_ACCOUNT, namespace } });
        const map = maps.get(namespace, ROOT_CA);
        const data = { 'ca.crt': caCertificate };
        if (map === undefined) await context.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ROOT_CA, namespace }, data });
        else if (map.data?.['ca.crt'] !== caCertificate) await context.mergePatch(CONFIG_MAPS, map, { data });
      } catch (error) {
        // somebody was faster, or the namespace went away
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    },
  });
  namespaces.onChange((now) => {
    if (now !== undefined) queue.add(now.metadata.name);
  });
  accounts.onChange((now, old) => {
    if (now === undefined && old?.metadata.name === DEFAULT_ACCOUNT) queue.add(old.metadata.namespace);
  });
  maps.onChange((now, old) => {
    if ((now ?? old)?.metadata.name === ROOT_CA) queue.add((now ?? old)?.metadata.namespace ?? '');
  });
  return () => queue.start();
}

/** Nothing is made in a namespace that is not there or is going; some namespaces stay. */
import { type AdmissionAttributes, StatusError } from '../../contract.ts';
import { refusal } from '../refusal.ts';
import type { AdmissionStore } from '../store.ts';

const KEPT = new Set(['default', 'kube-system', 'kube-public']);

export function createNamespaceLifecycle(store: AdmissionStore): (attributes: AdmissionAttributes) => Promise<void> {
  return async (attributes) => {
    const { operation, type, namespace, name, subresource } = attributes;
    if (type.group === '' && type.plural === 'namespaces') {
      if (operation === 'DELETE' && subresource === undefined && KEPT.has(name ?? '')) throw refusal(attributes, 'this namespace may not be deleted');
      return;
    }
    if (namespace === undefined || namespace === '' || !type.namespaced || operation !== 'CREATE') return;
    // Whether an account may act must be answered about places that are not there, too.
    if (type.group === 'authorization.k8s.io') return;
    const found = await store.namespace(namespace);
    if (found === undefined)
      throw new StatusError(404, 'NotFound', `namespaces ${JSON.stringify(namespace)} not found`, { name: namespace, kind: 'namespaces' });
    if (found.metadata.deletionTimestamp === undefined && found.status?.phase !== 'Terminating') return;
    const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
    throw refusal(attributes, `unable to create new content in namespace ${namespace} because it is being terminated`, { details: { causes: [cause] } });
  };
}

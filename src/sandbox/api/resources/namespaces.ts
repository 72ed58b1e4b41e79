/** Namespaces: a label with their name, and a finalizer of their own that is taken away when they are empty. */
import type { ApiObject } from '../object.ts';
import type { KindRules } from './strategies.ts';

type Spec = { finalizers?: string[] } | undefined;

export const NAMESPACE_RULES: KindRules = {
  defaults({ metadata }) {
    if (metadata.name !== undefined) metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
  },
  prepareCreate(object) {
    const finalizers = (object['spec'] as Spec)?.finalizers ?? [];
    object['spec'] = { finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] };
    object['status'] = { phase: 'Active' };
  },
  prepareUpdate(object, old: ApiObject, { subresource }) {
    if (subresource !== 'finalize') object['spec'] = old['spec'];
  },
};

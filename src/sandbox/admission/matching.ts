/** Which writes a webhook or policy is for. */
import { type LabelSelector, selectorMatches } from '../access/index.ts';
import type { AdmissionAttributes } from '../contract.ts';
import type { Rule, Selectors } from './rule.ts';
import type { AdmissionStore } from './store.ts';

const among = (list: string[] | undefined, word: string) => list !== undefined && (list.includes('*') || list.includes(word));

export function ruleMatches(rule: Rule, { type, operation, subresource, namespace, name }: AdmissionAttributes, anyVersion: boolean): boolean {
  if (!among(rule.operations, operation) || !among(rule.apiGroups, type.group)) return false;
  // Equivalent: the server would convert the object to the version that is asked for; here all versions hold the same.
  if (!anyVersion && !among(rule.apiVersions, type.version)) return false;
  const namespaced = type.namespaced && namespace !== undefined;
  if (rule.scope === 'Cluster' ? namespaced : rule.scope === 'Namespaced' && !namespaced) return false;
  if (rule.resourceNames !== undefined && rule.resourceNames.length > 0 && !rule.resourceNames.includes(name ?? '')) return false;
  return (rule.resources ?? []).some((resource) => {
    if (resource === '*/*') return true;
    const [plural, sub] = resource.split('/');
    if (plural !== '*' && plural !== type.plural) return false;
    return sub === '*' || (sub ?? '') === (subresource ?? '');
  });
}

const isEmpty = (selector: LabelSelector | undefined) =>
  selector === undefined || (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0);

export async function selectorsMatch(
  { namespaceSelector, objectSelector }: Selectors,
  attributes: AdmissionAttributes,
  store: AdmissionStore,
): Promise<boolean> {
  if (!isEmpty(namespaceSelector)) {
    const { type, namespace, object, oldObject, subresource } = attributes;
    const isNamespace = type.group === '' && type.plural === 'namespaces';
    if (isNamespace && subresource === undefined) {
      const own = (object ?? oldObject)?.metadata['labels'] as Record<string, string> | undefined;
      if (!selectorMatches(namespaceSelector, own ?? {})) return false;
    } else if (namespace !== undefined && type.namespaced) {
      if (!selectorMatches(namespaceSelector, (await store.namespace(namespace))?.metadata.labels ?? {})) return false;
    }
  }
  if (isEmpty(objectSelector)) return true;
  const labels = [attributes.object, attributes.oldObject].flatMap((object) =>
    object === undefined ? [] : [(object.metadata['labels'] ?? {}) as Record<string, string>],
  );
  return labels.some((own) => selectorMatches(objectSelector, own));
}

/** Requests that no webhook and no policy may touch, or a broken one could never be removed. */
export function isExempt({ type }: AdmissionAttributes): boolean {
  return (
    (type.group === 'admissionregistration.k8s.io' && /^(validating|mutating)(webhookconfiguration|admissionpolic)/.test(type.plural)) ||
    ((type.group === 'authentication.k8s.io' || type.group === 'authorization.k8s.io') && type.plural.endsWith('reviews'))
  );
}

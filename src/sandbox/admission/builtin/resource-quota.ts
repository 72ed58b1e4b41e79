/** ResourceQuotas, of how many objects a namespace may have. CPU and memory are not counted: the sandbox's nodes do not share them out. */
import { resourcePath } from '../../../kube/paths.ts';
import type { AdmissionAttributes, ClusterClient } from '../../contract.ts';
import { quotaNames } from '../../quota-names.ts';
import { quantityOf } from '../cel/quantity.ts';
import { refusal } from '../refusal.ts';
import type { AdmissionStore } from '../store.ts';

const ENDED = new Set(['Succeeded', 'Failed']);

/** @throws {StatusError} */
export async function checkQuotas(attributes: AdmissionAttributes, store: AdmissionStore, client: ClusterClient): Promise<void> {
  const { operation, type, namespace = '', subresource } = attributes;
  if (operation !== 'CREATE' || subresource !== undefined || !type.namespaced) return;
  const names = quotaNames(type);
  const limits = store.resourceQuotas(namespace).flatMap(({ metadata, spec }) =>
    Object.entries(spec?.hard ?? {})
      .filter(([resource]) => names.includes(resource))
      .map(([resource, most]) => ({ quota: metadata.name, resource, most })),
  );
  if (limits.length === 0) return;
  const path = resourcePath(type.group === '' ? type.version : `${type.group}/${type.version}`, type.plural, namespace);
  const { items } = await client.list<{ status?: { phase?: string } }>(path);
  const used = type.plural === 'pods' ? items.filter(({ status }) => !ENDED.has(status?.phase ?? '')).length : items.length;
  for (const { quota, resource, most } of limits)
    if (used + 1 > (quantityOf(String(most)) ?? 0))
      throw refusal(attributes, `exceeded quota: ${quota}, requested: ${resource}=1, used: ${resource}=${used}, limited: ${resource}=${most}`);
}

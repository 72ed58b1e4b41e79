/** LimitRanges: what containers get that ask for nothing, and what they may ask for at most and at least. */
import type { AdmissionAttributes } from '../../contract.ts';
import { quantityOf } from '../cel/quantity.ts';
import { refusal } from '../refusal.ts';
import type { AdmissionStore } from '../store.ts';
import type { Pod, PodContainer } from './pod.ts';

const containersOf = ({ spec }: Pod): PodContainer[] => [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
const itemsOf = (store: AdmissionStore, namespace: string) =>
  store.limitRanges(namespace).flatMap(({ spec }) => (spec?.limits ?? []).filter(({ type }) => type === 'Container'));

/** Changes the pod in place. */
export function setDefaultLimits(namespace: string, pod: Pod, store: AdmissionStore): void {
  for (const item of itemsOf(store, namespace))
    for (const container of containersOf(pod)) {
      const { limits = {}, requests = {} } = container.resources ?? {};
      const given = { ...item.default, ...limits };
      // A request that is not said is the limit that is.
      const asked = { ...item.defaultRequest, ...limits, ...requests };
      if (Object.keys(given).length === 0 && Object.keys(asked).length === 0) continue;
      container.resources = {
        ...container.resources,
        ...(Object.keys(given).length > 0 ? { limits: given } : {}),
        ...(Object.keys(asked).length > 0 ? { requests: asked } : {}),
      };
    }
}

/** @throws {StatusError} */
export function checkLimits(attributes: AdmissionAttributes, pod: Pod, store: AdmissionStore): void {
  const amount = (text: string | undefined) => (text === undefined ? undefined : quantityOf(String(text)));
  const wrong: string[] = [];
  for (const { max = {}, min = {} } of itemsOf(store, attributes.namespace ?? ''))
    for (const { resources } of containersOf(pod)) {
      for (const [resource, most] of Object.entries(max)) {
        const limit = resources?.limits?.[resource];
        if (limit === undefined) wrong.push(`maximum ${resource} usage per Container is ${most}.  No limit is specified`);
        else if ((amount(limit) ?? 0) > (amount(most) ?? 0)) wrong.push(`maximum ${resource} usage per Container is ${most}, but limit is ${limit}`);
      }
      for (const [resource, least] of Object.entries(min)) {
        const request = resources?.requests?.[resource];
        if (request === undefined) wrong.push(`minimum ${resource} usage per Container is ${least}.  No request is specified`);
        else if ((amount(request) ?? 0) < (amount(least) ?? 0)) wrong.push(`minimum ${resource} usage per Container is ${least}, but request is ${request}`);
      }
    }
  if (wrong.length > 0) throw refusal(attributes, wrong.length === 1 ? (wrong[0] ?? '') : `[${wrong.join(', ')}]`);
}

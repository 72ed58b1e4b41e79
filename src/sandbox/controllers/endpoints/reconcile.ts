/** From what a Service's slices say to what they should: as few writes as can be, full slices before new ones. */
import type { Endpoint, EndpointPort } from 'kubernetes-types/discovery/v1.js';
import { ENDPOINTS_PER_SLICE } from '../core/limits.ts';
import { canonical } from '../core/template-hash.ts';
import type { EndpointSlice } from '../core/types.ts';

/** Endpoints that have the same ports. */
export interface Group {
  ports: EndpointPort[];
  endpoints: Endpoint[];
}

export interface SlicePlan {
  create: Group[];
  update: { slice: EndpointSlice; endpoints: Endpoint[] }[];
  remove: EndpointSlice[];
}

const identity = (endpoint: Endpoint): string => endpoint.targetRef?.uid ?? endpoint.addresses.join();

/** `slices` are those of one Service and one address type. */
export function planSlices(slices: readonly EndpointSlice[], groups: readonly Group[]): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const left = new Set(slices);
  // without any endpoint one empty slice stays: that the Service has none is told, not only unknown
  const wanted = groups.length === 0 ? [{ ports: [], endpoints: [] }] : groups;
  for (const group of wanted) {
    const ports = canonical(group.ports);
    const mine = [...left].filter((slice) => canonical(slice.ports ?? []) === ports);
    for (const slice of mine) left.delete(slice);
    planGroup(plan, group, mine);
  }
  plan.remove.push(...left);
  return plan;
}

function planGroup(plan: SlicePlan, group: Group, slices: readonly EndpointSlice[]): void {
  const open = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const before of slice.endpoints ?? []) {
      const now = open.get(identity(before));
      if (now === undefined) continue;
      open.delete(identity(before));
      endpoints.push(now);
    }
    return { slice, endpoints };
  });
  const rest = [...open.values()];
  for (const { endpoints } of kept) endpoints.push(...rest.splice(0, Math.max(0, ENDPOINTS_PER_SLICE - endpoints.length)));
  const used = kept.filter(({ endpoints }) => endpoints.length > 0);
  const empty = kept.filter(({ endpoints }) => endpoints.length === 0);
  // the last one is kept, empty, where the group itself is
  if (group.endpoints.length === 0) used.push(...empty.splice(0, 1));
  for (const { slice } of empty) plan.remove.push(slice);
  for (const { slice, endpoints } of used) if (canonical(slice.endpoints ?? []) !== canonical(endpoints)) plan.update.push({ slice, endpoints });
  while (rest.length > 0) plan.create.push({ ports: group.ports, endpoints: rest.splice(0, ENDPOINTS_PER_SLICE) });
  if (group.endpoints.length === 0 && used.length === 0) plan.create.push({ ports: group.ports, endpoints: [] });
}

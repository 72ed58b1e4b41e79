import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';

/**
 * Where a port of a Service leads, from the Service's EndpointSlices: those that are ready; when none is, those that end but still serve. IPv4.
 * @param onNode only those on the node of this name
 */
export function readyEndpoints(
  slices: Iterable<Pick<EndpointSlice, 'addressType' | 'endpoints' | 'ports'>>,
  portName: string,
  onNode?: string,
): { ip: string; port: number }[] {
  const ready = new Map<string, { ip: string; port: number }>();
  const ending = new Map<string, { ip: string; port: number }>();
  for (const { addressType, endpoints, ports } of slices) {
    if (addressType !== 'IPv4') continue;
    const port = (ports ?? []).find(({ name }) => (name ?? '') === portName)?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, nodeName } of endpoints ?? []) {
      const [ip] = addresses;
      if (ip === undefined || (onNode !== undefined && nodeName !== onNode)) continue;
      if (conditions?.ready !== false) ready.set(`${ip}:${port}`, { ip, port });
      else if (conditions.serving === true && conditions.terminating === true) ending.set(`${ip}:${port}`, { ip, port });
    }
  }
  return [...(ready.size > 0 ? ready : ending).values()];
}

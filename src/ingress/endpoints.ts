/** The pods behind a Service's port. */
import { readyEndpoints } from '../kube/index.ts';
import type { EndpointSlice, Service } from './objects.ts';
import type { Target } from './routes.ts';

export interface Endpoint {
  host: string;
  port: number;
}

/** @returns where it may be sent, or why it can't be: a sentence's end. */
export function endpointsOf({ port }: Target, service: Service | undefined, slices: Iterable<EndpointSlice>): Endpoint[] | string {
  if (service?.spec === undefined) return 'it is not there';
  const { type, externalName, ports = [] } = service.spec;
  const found = ports.find((one) => (typeof port === 'number' ? one.port === port : one.name === port));
  if (type === 'ExternalName') {
    const number = found?.port ?? port;
    if (externalName === undefined || typeof number !== 'number') return `it has no port ${port}`;
    return [{ host: externalName, port: number }];
  }
  if (found === undefined) return `it has no port ${port}`;
  const ready = readyEndpoints(slices, found.name ?? '');
  return ready.length === 0 ? 'none of its pods is ready' : ready.map(({ ip, port: number }) => ({ host: ip, port: number }));
}

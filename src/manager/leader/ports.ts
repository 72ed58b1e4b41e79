/** Which container port stands behind a Service's port, and all ports of a workload that Services lead to. */
import type { Container, PodTemplateSpec, Service } from 'kubernetes-types/core/v1.js';
import type { PortProtocol } from '../../protocol/resources.ts';
import type { Workload } from './workload.ts';

/** One way in: a Service's port that leads to a container port. */
export interface Route {
  service: string;
  /** As the Service has it. */
  port: number;
  portName: string | undefined;
  headless: boolean;
  /** targetPort as it stands there: what `patched` mode changes and gives back. */
  targetPort: string | number;
}
/** A port of the pod with every way that leads to it. */
export interface PodPort {
  container: string;
  containerPort: number;
  protocol: PortProtocol;
  routes: Route[];
}

/** The name that a `patched` port has, in the sidecar and in the Service. */
export const patchedName = (containerPort: number): string => `tp-${containerPort}`;
/** The number that such a name stands for. */
export function patchedNumber(targetPort: string | number | undefined): number | undefined {
  const match = typeof targetPort === 'string' ? /^tp-(\d{1,5})$/.exec(targetPort) : null;
  return match === null ? undefined : Number(match[1]);
}

const protocolOf = (text: string | undefined): PortProtocol | undefined => (text === undefined || text === 'TCP' ? 'TCP' : text === 'UDP' ? 'UDP' : undefined);

/** App containers, and those init containers that stay. */
function servingContainers(template: PodTemplateSpec): Container[] {
  return [...(template.spec?.containers ?? []), ...(template.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')];
}

export function servicesOf(workload: Workload, services: readonly Service[]): Service[] {
  const labels = workload.template.metadata?.labels ?? {};
  return services.filter(({ spec }) => {
    const selector = Object.entries(spec?.selector ?? {});
    return spec?.type !== 'ExternalName' && selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
  });
}

/** Undefined where a name stands for no port of the pod. */
export function findTarget(
  template: PodTemplateSpec,
  targetPort: string | number,
  protocol: PortProtocol,
): { container: string; containerPort: number } | undefined {
  const containers = servingContainers(template);
  const declared = containers.flatMap(({ name, ports = [] }) =>
    ports.filter((port) => protocolOf(port.protocol) === protocol).map((port) => ({ container: name, ...port })),
  );
  const byName = typeof targetPort === 'string' ? declared.find(({ name }) => name === targetPort) : undefined;
  if (byName !== undefined) return { container: byName.container, containerPort: byName.containerPort };
  const number = typeof targetPort === 'number' ? targetPort : patchedNumber(targetPort);
  const [first] = containers;
  if (number === undefined || first === undefined) return undefined;
  // Containers need not declare what they listen on: then it is taken for the first one's.
  return { container: declared.find(({ containerPort }) => containerPort === number)?.container ?? first.name, containerPort: number };
}

/** All ports of the workload that Services lead to, in the order of their first Service by name. */
export function servedPorts(workload: Workload, services: readonly Service[]): PodPort[] {
  const found = new Map<string, PodPort>();
  const byName = servicesOf(workload, services).toSorted((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  for (const { metadata, spec } of byName) {
    for (const port of spec?.ports ?? []) {
      const protocol = protocolOf(port.protocol);
      if (protocol === undefined) continue;
      const targetPort = port.targetPort ?? port.port;
      const target = findTarget(workload.template, targetPort, protocol);
      if (target === undefined) continue;
      const key = `${protocol} ${target.containerPort}`;
      const entry = found.get(key) ?? { ...target, protocol, routes: [] };
      entry.routes.push({ service: metadata?.name ?? '', port: port.port, portName: port.name, headless: spec?.clusterIP === 'None', targetPort });
      found.set(key, entry);
    }
  }
  return [...found.values()];
}

export interface WantedPort {
  service: string | undefined;
  number: number;
  protocol: PortProtocol;
}
export type PortNotFound = { reason: 'NoService' | 'NoPort'; message: string };

/** The port an intercept means. Without a Service it is a container port. */
export function findPodPort(workload: Workload, services: readonly Service[], wanted: WantedPort): PodPort | PortNotFound {
  const served = servedPorts(workload, services);
  const what = `${workload.kind} ${workload.name}`;
  if (wanted.service === undefined) {
    const known = served.find(({ containerPort, protocol }) => containerPort === wanted.number && protocol === wanted.protocol);
    const target = findTarget(workload.template, wanted.number, wanted.protocol);
    if (target === undefined) return { reason: 'NoPort', message: `${what} has no container.` };
    return known ?? { ...target, protocol: wanted.protocol, routes: [] };
  }
  const found = served.find(
    ({ protocol, routes }) => protocol === wanted.protocol && routes.some(({ service, port }) => service === wanted.service && port === wanted.number),
  );
  if (found !== undefined) return found;
  const service = services.find(({ metadata }) => metadata?.name === wanted.service);
  if (service === undefined) return { reason: 'NoService', message: `There is no Service ${wanted.service} in namespace ${workload.namespace}.` };
  if (!servicesOf(workload, [service]).includes(service))
    return { reason: 'NoService', message: `The Service ${wanted.service} does not select the pods of ${what}.` };
  const port = service.spec?.ports?.find((one) => one.port === wanted.number && protocolOf(one.protocol) === wanted.protocol);
  if (port === undefined) return { reason: 'NoPort', message: `The Service ${wanted.service} has no port ${wanted.number}/${wanted.protocol}.` };
  return {
    reason: 'NoPort',
    message: `No container of ${what} has a port named ${port.targetPort}, which the Service ${wanted.service} sends its port ${wanted.number} to.`,
  };
}

/** What of a namespace can be intercepted: workloads, the Services that select them, and the ports that lead to them. */
import type { PodTemplateSpec, Service } from 'kubernetes-types/core/v1.js';
import { CodedError } from '../../base/errors.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { agentConfigSchema } from '../../protocol/agent-config.ts';
import { ANNOTATION, LEGACY_ANNOTATION_PREFIX, type PortProtocol, WORKLOAD_KINDS, type WorkloadKind, workloadResource } from '../../protocol/resources.ts';

export interface Workload {
  kind: WorkloadKind;
  name: string;
  namespace: string;
  template: PodTemplateSpec;
  /** Desired replicas. */
  replicas: number;
}

/** A way into a workload: a Service's port, or, where no Service selects it, a declared container port. */
export interface WorkloadPort {
  service: string | undefined;
  number: number;
  name: string | undefined;
  protocol: PortProtocol;
}

interface WorkloadObject {
  metadata: { name: string; namespace: string; ownerReferences?: { controller?: boolean; kind: string }[] };
  spec?: { replicas?: number; template?: PodTemplateSpec };
}

const managerSchema = agentConfigSchema.pick({ manager: true });

function asWorkload(kind: WorkloadKind, object: WorkloadObject): Workload {
  const { metadata, spec } = object;
  return { kind, name: metadata.name, namespace: metadata.namespace, template: spec?.template ?? {}, replicas: spec?.replicas ?? 1 };
}

/** All workloads of a namespace (of all, when undefined) that are not themselves part of another. */
export async function listWorkloads(kube: KubeClient, namespace: string | undefined, signal: AbortSignal): Promise<Workload[]> {
  const lists = await Promise.all(
    WORKLOAD_KINDS.map(async (kind) => {
      const { items } = await kube.list<WorkloadObject>(resourcePath('apps/v1', workloadResource(kind), namespace), { signal });
      return items
        .filter(({ metadata }) => !(metadata.ownerReferences ?? []).some((owner) => owner.controller === true))
        .map((object) => asWorkload(kind, object));
    }),
  );
  return lists.flat().toSorted((a, b) => a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name));
}

export async function listServices(kube: KubeClient, namespace: string | undefined, signal: AbortSignal): Promise<Service[]> {
  return (await kube.list<Service>(resourcePath('v1', 'services', namespace), { signal })).items;
}

/** The Services whose selector matches the pods of a workload. */
export function servicesOf(workload: Workload, services: readonly Service[]): Service[] {
  const labels = workload.template.metadata?.labels ?? {};
  return services.filter((service) => {
    const selector = Object.entries(service.spec?.selector ?? {});
    return service.metadata?.namespace === workload.namespace && selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
  });
}

const protocolOf = (text: string | undefined): PortProtocol => (text === 'UDP' ? 'UDP' : 'TCP');

export function portsOf(workload: Workload, services: readonly Service[]): WorkloadPort[] {
  const selecting = servicesOf(workload, services);
  if (selecting.length > 0) {
    return selecting.flatMap((service) =>
      (service.spec?.ports ?? [])
        .filter(({ protocol }) => protocol !== 'SCTP')
        .map((port) => ({ service: service.metadata?.name, number: port.port, name: port.name, protocol: protocolOf(port.protocol) })),
    );
  }
  return (workload.template.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? []).map((port) => ({ service: undefined, number: port.containerPort, name: port.name, protocol: protocolOf(port.protocol) })),
  );
}

/** Whether new pods of the workload get a traffic-agent. */
export function hasAgent({ template }: Pick<Workload, 'template'>): boolean {
  return template.metadata?.annotations?.[ANNOTATION.agentConfig] !== undefined;
}

/** Namespace of the manager whose agents they are; undefined where there are none. */
export function managerOfAgent(workload: Workload): string | undefined {
  const text = workload.template.metadata?.annotations?.[ANNOTATION.agentConfig];
  if (text === undefined) return undefined;
  try {
    return managerSchema.parse(JSON.parse(text)).manager;
  } catch {
    // written by somebody else: no leader takes it for its own
    return undefined;
  }
}

/** Why a workload can't be intercepted; undefined when it can. */
export function whyNot(workload: Workload, services: readonly Service[]): string | undefined {
  const annotations = workload.template.metadata?.annotations ?? {};
  const wanted = annotations[ANNOTATION.inject] ?? annotations[`${LEGACY_ANNOTATION_PREFIX}inject-traffic-agent`];
  if (wanted === 'disabled') return 'its annotation telepresence.io/inject-traffic-agent is "disabled"';
  if (workload.template.spec?.hostNetwork === true) return 'its pods use the network of their node';
  if (portsOf(workload, services).length === 0) return 'no service selects it and it declares no port';
  return undefined;
}

/** Volumes of the app that a process on the workstation will miss (not the token every pod has). */
export function volumesOf(workload: Workload): string[] {
  const ignored = (workload.template.metadata?.annotations?.[ANNOTATION.ignoreVolumes] ?? '').split(',').map((name) => name.trim());
  return (workload.template.spec?.volumes ?? []).map(({ name }) => name).filter((name) => !ignored.includes(name));
}

const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

/**
 * The workload a user means: `KIND/NAME`, a name, or the name of a Service that selects one.
 * @throws TP-WORKLOAD-NOT-FOUND, TP-WORKLOAD-AMBIGUOUS with the choices.
 */
export function findWorkload(wanted: string, namespace: string, workloads: readonly Workload[], services: readonly Service[]): Workload {
  const [kind, name] = wanted.includes('/') ? (wanted.split('/', 2) as [string, string]) : [undefined, wanted];
  const sameKind = (workload: Workload): boolean => {
    const text = kind?.toLowerCase();
    return (
      text === undefined ||
      workload.kind.toLowerCase() === text ||
      workloadResource(workload.kind) === text ||
      { deploy: 'Deployment', sts: 'StatefulSet', rs: 'ReplicaSet' }[text] === workload.kind
    );
  };
  let found = workloads.filter((workload) => workload.namespace === namespace && workload.name === name && sameKind(workload));
  if (found.length === 0 && kind === undefined) {
    const service = services.filter(({ metadata }) => metadata?.name === name && metadata?.namespace === namespace);
    found = workloads.filter((workload) => workload.namespace === namespace && servicesOf(workload, service).length > 0);
  }
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  if (only !== undefined) {
    const choices = found.map((workload) => `${workload.kind}/${workload.name}`);
    throw new CodedError('TP-WORKLOAD-AMBIGUOUS', `"${wanted}" in namespace ${namespace} could be any of: ${list(choices)}.`);
  }
  const choices = workloads.filter((workload) => workload.namespace === namespace).map((workload) => workload.name);
  throw new CodedError(
    'TP-WORKLOAD-NOT-FOUND',
    `No Deployment, StatefulSet, ReplicaSet or Service named "${wanted}" in namespace ${namespace}. There is: ${list(choices)}.`,
  );
}

const describe = (port: WorkloadPort): string =>
  `${port.name === undefined ? '' : `${port.name} = `}${port.number}${port.protocol === 'UDP' ? '/UDP' : ''}${port.service === undefined ? '' : ` (service ${port.service})`}`;

/**
 * The port a user means: by name, by number, or the only one.
 * @throws TP-SERVICE-NOT-FOUND, TP-PORT-UNKNOWN, TP-PORT-AMBIGUOUS with the choices.
 */
export function findPort(
  workload: Workload,
  services: readonly Service[],
  wanted: { service?: string | undefined; remotePort?: string | undefined; protocol?: PortProtocol | undefined },
): WorkloadPort {
  let ports = portsOf(workload, services);
  if (wanted.service !== undefined) {
    const names = servicesOf(workload, services).map((service) => service.metadata?.name ?? '');
    if (!names.includes(wanted.service)) {
      throw new CodedError(
        'TP-SERVICE-NOT-FOUND',
        `No service "${wanted.service}" selects ${workload.kind} ${workload.name} in namespace ${workload.namespace}. There is: ${list(names)}.`,
      );
    }
    ports = ports.filter((port) => port.service === wanted.service);
  }
  const all = ports;
  if (wanted.protocol !== undefined) ports = ports.filter((port) => port.protocol === wanted.protocol);
  if (wanted.remotePort !== undefined) ports = ports.filter((port) => port.name === wanted.remotePort || String(port.number) === wanted.remotePort);
  const [only, another] = ports;
  const choices = list(all.map(describe));
  if (only === undefined) {
    const asked = wanted.remotePort === undefined ? `a ${wanted.protocol ?? ''} port` : `port "${wanted.remotePort}"`;
    throw new CodedError('TP-PORT-UNKNOWN', `${workload.kind} ${workload.name} has not got ${asked}. Its ports: ${choices}.`);
  }
  if (another !== undefined)
    throw new CodedError('TP-PORT-AMBIGUOUS', `${workload.kind} ${workload.name} has more than one port that could be meant: ${choices}.`);
  return only;
}

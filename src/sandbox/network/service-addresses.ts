/** Gives each Service its addresses and node ports at its creation, and what it did not say its defaults, as the API server's allocator does. */
import type { KubeObject } from '../../kube/index.ts';
import { type Admission, type AdmissionAttributes, SANDBOX_NETWORK, StatusError } from '../contract.ts';
import type { Cache } from '../controllers/core/cache.ts';
import type { Service } from '../controllers/core/types.ts';
import { NODE_PORT_FIRST, NODE_PORT_LAST } from './limits.ts';

type Spec = Service['spec'];
type Ports = NonNullable<Spec['ports']>;

/** Addresses below are for those who ask for one, as in Kubernetes. */
const FIRST_DYNAMIC = 256;
const LAST = 65_534;

/** `services` is undefined until the controllers read; before that every Service says its own address. */
export function withServiceAddresses(admission: Admission, services: () => Cache<Service> | undefined): Admission {
  let next = FIRST_DYNAMIC;
  let nextPort = NODE_PORT_FIRST;

  function freeAddress(): string {
    const taken = new Set((services()?.list() ?? []).map(({ spec }) => spec.clusterIP));
    for (let tries = FIRST_DYNAMIC; tries <= LAST; tries++) {
      const [a, b] = SANDBOX_NETWORK.services.split('.');
      const ip = `${a}.${b}.${next >> 8}.${next & 0xff}`;
      next = next === LAST ? FIRST_DYNAMIC : next + 1;
      if (!taken.has(ip)) return ip;
    }
    throw new StatusError(500, 'InternalError', 'Internal error occurred: failed to allocate a serviceIP: range is full');
  }

  function freePort(): number {
    const taken = new Set((services()?.list() ?? []).flatMap(({ spec }) => (spec.ports ?? []).map(({ nodePort }) => nodePort)));
    for (let tries = NODE_PORT_FIRST; tries <= NODE_PORT_LAST; tries++) {
      const port = nextPort;
      nextPort = port === NODE_PORT_LAST ? NODE_PORT_FIRST : port + 1;
      if (!taken.has(port)) return port;
    }
    throw new StatusError(500, 'InternalError', 'Internal error occurred: failed to allocate a nodePort: range is full');
  }

  function complete(spec: Spec, old: Spec | undefined): void {
    spec.type ??= 'ClusterIP';
    spec.sessionAffinity ??= 'None';
    if (spec.type === 'ExternalName') return;
    spec.internalTrafficPolicy ??= 'Cluster';
    if ((spec.clusterIP ?? '') === '') spec.clusterIP = old?.clusterIP ?? freeAddress();
    spec.clusterIPs ??= [spec.clusterIP ?? ''];
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    const outside = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
    if (outside) spec.externalTrafficPolicy ??= 'Cluster';
    for (const port of spec.ports ?? []) completePort(port, outside, old?.ports ?? []);
  }

  function completePort(port: Ports[number], outside: boolean, old: Ports): void {
    port.protocol ??= 'TCP';
    port.targetPort ??= port.port;
    if (!outside || (port.nodePort ?? 0) !== 0) return;
    const before = old.find((one) => one.port === port.port && (one.protocol ?? 'TCP') === port.protocol)?.nodePort;
    port.nodePort = before !== undefined && before !== 0 ? before : freePort();
  }

  return {
    async mutate(attributes) {
      const object = await admission.mutate(attributes);
      if (object === undefined || !isService(attributes)) return object;
      const copy = structuredClone(object);
      const old = attributes.oldObject as (KubeObject & { spec?: Spec }) | undefined;
      complete((copy as unknown as Service).spec, old?.spec);
      return copy;
    },
    validate: (attributes) => admission.validate(attributes),
  };
}

function isService({ type, subresource, operation, object }: AdmissionAttributes): boolean {
  return (
    type.group === '' &&
    type.plural === 'services' &&
    subresource === undefined &&
    (operation === 'CREATE' || operation === 'UPDATE') &&
    object?.['spec'] !== undefined
  );
}

/** The environment of a container, in the order and with the words of a kubelet. */
import { cpus, totalmem } from 'node:os';
import type { Container, EnvVar } from 'kubernetes-types/core/v1.js';
import { resourcePath } from '../../kube/paths.ts';
import { getIfThere } from '../access/index.ts';
import { SANDBOX_NETWORK } from '../contract.ts';
import type { Pod, Service } from '../controllers/core/types.ts';
import { ContainerConfigError } from './config-error.ts';
import type { NodeContext } from './context.ts';
import { fieldValue, type PodAddresses, resourceValue } from './field-values.ts';

interface Keyed {
  data?: Record<string, string>;
}
type Read = (kind: 'configmaps' | 'secrets', name: string) => Promise<Record<string, string> | undefined>;

const NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/** @throws {ContainerConfigError} for what it names and is not there. */
export async function environmentOf(context: NodeContext, pod: Pod, container: Container, addresses: PodAddresses): Promise<Record<string, string>> {
  const known = new Map<string, Record<string, string> | undefined>();
  const read: Read = async (kind, name) => {
    const key = `${kind}/${name}`;
    if (!known.has(key)) known.set(key, await dataOf(context, pod.metadata.namespace, kind, name));
    return known.get(key);
  };
  const services = serviceVariables(context.services.list(), pod.metadata.namespace, pod.spec.enableServiceLinks !== false);
  const env: Record<string, string> = {};
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const source = configMapRef ?? secretRef;
    if (source?.name === undefined) continue;
    const kind = configMapRef === undefined ? 'secrets' : 'configmaps';
    const data = await read(kind, source.name);
    if (data === undefined) {
      if (source.optional === true) continue;
      throw new ContainerConfigError(`${kind === 'secrets' ? 'secret' : 'configmap'} ${JSON.stringify(source.name)} not found`);
    }
    for (const [key, value] of Object.entries(data)) if (NAME.test(prefix + key)) env[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom === undefined ? expand(variable.value ?? '', { ...services, ...env }) : await valueFromSource(variable, read);
    if (value !== undefined) env[variable.name] = value;
  }
  // a variable of the pod's own wins
  return { ...services, ...env };

  async function valueFromSource({ valueFrom = {} }: EnvVar, readData: Read): Promise<string | undefined> {
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    if (fieldRef !== undefined) {
      const value = fieldValue(pod, addresses, fieldRef);
      if (value === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${fieldRef.fieldPath}`);
      return value;
    }
    if (resourceFieldRef !== undefined) {
      const value = resourceValue(pod, container.name, resourceFieldRef, { cpu: cpus().length, memory: totalmem() });
      if (value === undefined) throw new ContainerConfigError(`unsupported container resource : ${resourceFieldRef.resource}`);
      return value;
    }
    const selector = configMapKeyRef ?? secretKeyRef;
    if (selector === undefined) return '';
    const [kind, title] = configMapKeyRef === undefined ? (['secrets', 'Secret'] as const) : (['configmaps', 'ConfigMap'] as const);
    const data = await readData(kind, selector.name ?? '');
    const value = data?.[selector.key];
    if (value !== undefined || selector.optional === true) return value;
    if (data === undefined) throw new ContainerConfigError(`${title.toLowerCase()} ${JSON.stringify(selector.name)} not found`);
    throw new ContainerConfigError(`couldn't find key ${selector.key} in ${title} ${pod.metadata.namespace}/${selector.name ?? ''}`);
  }
}

/** Values as text; undefined when there is no such object. */
export async function dataOf(
  context: NodeContext,
  namespace: string,
  kind: 'configmaps' | 'secrets',
  name: string,
): Promise<Record<string, string> | undefined> {
  const object = await getIfThere<Keyed>(context.client, resourcePath('v1', kind, namespace, name));
  if (object === undefined) return undefined;
  const data = object.data ?? {};
  if (kind === 'configmaps') return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

/** `$(NAME)` of what is known; `$$(NAME)` stays as `$(NAME)`; an unknown name stays as it is. */
export function expand(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, after: string, name: string | undefined) => {
    if (after === '$') return '$';
    return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? '') : whole;
  });
}

function serviceVariables(services: readonly Service[], namespace: string, links: boolean): Record<string, string> {
  const env: Record<string, string> = {};
  const add = (name: string, ip: string, ports: { name?: string; port: number; protocol?: string }[]): void => {
    const prefix = name.toUpperCase().replaceAll('-', '_');
    const [first] = ports;
    if (first === undefined) return;
    env[`${prefix}_SERVICE_HOST`] = ip;
    env[`${prefix}_SERVICE_PORT`] = String(first.port);
    for (const port of ports) {
      const protocol = port.protocol ?? 'TCP';
      const url = `${protocol.toLowerCase()}://${ip}:${port.port}`;
      const one = `${prefix}_PORT_${port.port}_${protocol}`;
      if (port.name !== undefined && port.name !== '') env[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
      if (port === first) env[`${prefix}_PORT`] = url;
      Object.assign(env, { [one]: url, [`${one}_PROTO`]: protocol.toLowerCase(), [`${one}_PORT`]: String(port.port), [`${one}_ADDR`]: ip });
    }
  };
  add('kubernetes', SANDBOX_NETWORK.kubernetesService, [{ name: 'https', port: 443 }]);
  if (!links) return env;
  for (const { metadata, spec } of services) {
    if (metadata.namespace !== namespace || spec.clusterIP === undefined || spec.clusterIP === '' || spec.clusterIP === 'None') continue;
    add(metadata.name, spec.clusterIP, spec.ports ?? []);
  }
  return env;
}

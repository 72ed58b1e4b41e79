/** The ConfigMap `traffic-manager`: what of the values the running manager reads, as JSON. */
import { createHash } from 'node:crypto';
import { CLOUD_SECRET, CLOUD_SECRET_KEY } from '../protocol/cloud.ts';
import { MANAGER_NAME } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, type Naming } from './naming.ts';
import type { Values } from './values.ts';

export const SETTINGS_KEY = 'config.json';

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** JSON as Helm's `toJson` writes it (sorted keys, `<`, `>` and `&` escaped), so that both ways to install make the same text. */
export function helmJson(value: unknown): string {
  return JSON.stringify(sorted(value)).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function settings(values: Values): Record<string, unknown> {
  const { domain, dnsAddress, podSubnets, serviceSubnets } = values.cluster;
  const { image: _image, ...agent } = values.agent;
  return {
    namespaces: values.namespaces,
    outbound: values.outbound,
    cluster: {
      ...(domain === '' ? {} : { domain }),
      ...(dnsAddress === '' ? {} : { dnsAddress }),
      ...(podSubnets.length === 0 ? {} : { podSubnets }),
      ...(serviceSubnets.length === 0 ? {} : { serviceSubnets }),
    },
    cloud: { ...(values.cloud.url === '' ? {} : { url: values.cloud.url }), ...(values.cloud.ca === '' ? {} : { ca: values.cloud.ca }) },
    ports: { agents: values.apiPort, health: values.healthPort, tunnel: values.tunnel.port, webhook: values.agentInjector.webhook.port },
    agent: { ...agent, pullSecrets: values.agent.image.pullSecrets },
    agentInjector: { enabled: values.agentInjector.enabled },
    client: values.client,
  };
}

function settingsText(values: Values): string {
  return helmJson(settings(values));
}

/** Changes with the settings, so that the pods are rolled when they do. */
export function settingsChecksum(values: Values): string {
  return createHash('sha256').update(settingsText(values)).digest('hex');
}

export function settingsObject(naming: Naming, values: Values): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: MANAGER_NAME, namespace: naming.namespace, labels: { ...COMMON_LABELS } },
    data: { [SETTINGS_KEY]: settingsText(values) },
  };
}

/** The cluster's token for the cloud, where the values give it; else the manager makes the Secret when a user brings one. */
export function cloudSecret(naming: Naming, values: Values): KubeObject[] {
  const { token } = values.cloud;
  if (token === '') return [];
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: CLOUD_SECRET, namespace: naming.namespace, labels: { ...COMMON_LABELS } },
      data: { [CLOUD_SECRET_KEY]: Buffer.from(token).toString('base64') },
    },
  ];
}

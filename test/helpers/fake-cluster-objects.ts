/** The objects that a manager and its peers need. */
import { type AgentConfig, FIRST_AGENT_PORT } from '../../src/protocol/agent-config.ts';
import { AGENT_CONTAINER, ANNOTATION } from '../../src/protocol/resources.ts';
import { createSessionKeys } from '../../src/tunnel/index.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { PeerSession } from './manager-peers.ts';

export const SESSIONS = '/apis/telepresence.io/v1/sessions';
export const INTERCEPTS = '/apis/telepresence.io/v1/intercepts';
export const MANAGER_NAMESPACE = 'ambassador';

export function putBasics(cluster: FakeCluster, namespaces: readonly string[]): void {
  for (const name of [MANAGER_NAMESPACE, ...namespaces]) cluster.put('/api/v1/namespaces', { metadata: { name } });
  cluster.put('/api/v1/nodes', { metadata: { name: 'node1' }, spec: { podCIDR: '10.244.0.0/16', podCIDRs: ['10.244.0.0/16'] } });
  cluster.put('/apis/networking.k8s.io/v1/servicecidrs', { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } });
}

/** @param publicKey of a key that somebody else holds; else a new pair's */
export function putSession(cluster: FakeCluster, name: string, user: string, publicKey?: string): PeerSession {
  const keys = createSessionKeys();
  const object = cluster.put(SESSIONS, {
    apiVersion: 'telepresence.io/v1',
    kind: 'Session',
    metadata: { name, namespace: MANAGER_NAMESPACE },
    spec: { user, workstation: { id: name, hostname: `${name}.example`, version: '0' }, publicKey: publicKey ?? keys.publicKey, namespace: 'default' },
  });
  return { name, uid: object.metadata.uid ?? '', keys };
}

/** A workload with one pod that has an agent: Deployment, ReplicaSet, Pod and Service as the leader left them, without what nobody reads. */
export function putWorkload(cluster: FakeCluster, namespace: string, name: string): { pod: string; podUid: string } {
  const labels = { app: name };
  const controller = (kind: string, owner: string, uid: string) => [{ apiVersion: 'apps/v1', kind, name: owner, uid, controller: true }];
  const containers = [{ name: 'app', image: 'registry.example/app:1', ports: [{ name: 'http', containerPort: 8080 }], env: [{ name: 'A', value: 'b' }] }];
  const config: AgentConfig = {
    version: 1,
    workload: { kind: 'Deployment', name, namespace },
    manager: MANAGER_NAMESPACE,
    ports: [{ container: 'app', containerPort: 8080, protocol: 'TCP', mode: 'named', name: 'http', agentPort: FIRST_AGENT_PORT }],
    healthPort: FIRST_AGENT_PORT - 1,
  };
  const annotations = { [ANNOTATION.inject]: 'enabled', [ANNOTATION.agentConfig]: JSON.stringify(config) };
  const template = { metadata: { labels, annotations }, spec: { containers } };
  const meta = (own: string) => ({ name: own, namespace, labels });
  const deployment = cluster.put('/apis/apps/v1/deployments', {
    metadata: meta(name),
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
    status: { readyReplicas: 1 },
  });
  const set = cluster.put('/apis/apps/v1/replicasets', {
    metadata: { ...meta(`${name}-1`), ownerReferences: controller('Deployment', name, deployment.metadata.uid ?? '') },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  });
  const pod = cluster.put('/api/v1/pods', {
    metadata: { ...meta(`${name}-1-a`), annotations, ownerReferences: controller('ReplicaSet', `${name}-1`, set.metadata.uid ?? '') },
    spec: { containers: [...containers, { name: AGENT_CONTAINER, image: 'registry.example/agent:1' }] },
    status: { phase: 'Running', podIP: '10.244.0.9', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  cluster.put('/api/v1/services', {
    metadata: meta(name),
    spec: { clusterIP: '10.96.0.9', selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  });
  return { pod: `${name}-1-a`, podUid: pod.metadata.uid ?? '' };
}

/** A claim that the leader has granted. */
export function putIntercept(
  cluster: FakeCluster,
  namespace: string,
  workload: string,
  session: PeerSession,
  user: string,
  status: Record<string, unknown> = {},
): string {
  const object = cluster.put(INTERCEPTS, {
    apiVersion: 'telepresence.io/v1',
    kind: 'Intercept',
    metadata: { name: `${workload}-${session.uid.slice(0, 8)}`, namespace },
    spec: {
      name: workload,
      user,
      session: { name: session.name, namespace: MANAGER_NAMESPACE, uid: session.uid },
      workload: { kind: 'Deployment', name: workload },
      service: workload,
      port: { number: 80, name: 'http', protocol: 'TCP' },
      mechanism: 'http',
      http: { headers: [{ name: 'x-telepresence-intercept-id', value: { exact: session.uid } }], paths: [] },
      target: { host: '127.0.0.1', port: 8080 },
    },
    status: { phase: 'Active', granted: true, containerPort: 8080, container: 'app', since: new Date().toISOString(), ...status },
  });
  return object.metadata.uid ?? '';
}

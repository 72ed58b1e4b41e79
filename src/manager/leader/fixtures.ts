/** Objects for the leader's tests. */
import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Container, Pod, PodSpec, Service, ServicePort } from 'kubernetes-types/core/v1.js';
import { ANNOTATION, type Intercept, type Session } from '../../protocol/resources.ts';
import { asWorkload, type Workload } from './workload.ts';

export const LABELS = { app: 'web' };

export function deployment(
  spec: Deployment['spec'] | Record<string, unknown> = {},
  pod: Partial<PodSpec> = {},
  annotations: Record<string, string> = {},
): Deployment {
  const containers: Container[] = [{ name: 'web', ports: [{ name: 'http', containerPort: 8080 }] }];
  const template = { metadata: { labels: LABELS, annotations }, spec: { containers, ...pod } };
  return { metadata: { name: 'web', namespace: 'shop', uid: 'w' }, spec: { replicas: 2, selector: { matchLabels: LABELS }, template, ...spec } } as Deployment;
}
export const statefulSet = (spec: Record<string, unknown> = {}): StatefulSet => {
  const { metadata, spec: made } = deployment(spec);
  return { metadata, spec: { serviceName: 'web', ...made }, status: { replicas: 1, updateRevision: 'r2' } } as StatefulSet;
};
export const workload = (object = deployment()): Workload => asWorkload('Deployment', object);

export function service(port: Partial<ServicePort> = {}, spec: Record<string, unknown> = {}, name = 'web'): Service {
  return {
    metadata: { name, namespace: 'shop' },
    spec: { selector: LABELS, clusterIP: '10.96.0.7', ports: [{ name: 'http', port: 80, targetPort: 'http', ...port }], ...spec },
  };
}

export function pod(name: string, more: { ready?: boolean; config?: string; ending?: boolean; owner?: string; revision?: string; ports?: string[] } = {}): Pod {
  const agent: Container = { name: 'traffic-agent', ports: (more.ports ?? []).map((port) => ({ name: port, containerPort: 9900 })) };
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      labels: { ...LABELS, ...(more.revision === undefined ? {} : { 'controller-revision-hash': more.revision }) },
      annotations: more.config === undefined ? {} : { [ANNOTATION.agentConfig]: more.config },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid: more.owner ?? 'w', controller: true }],
      ...(more.ending === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { containers: [{ name: 'web' }], initContainers: more.config === undefined ? [] : [agent] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }] },
  };
}

export const session = (uid: string, more: Partial<Session['status']> & { user?: string } = { replicas: [{ name: 'm', since: '' }] }): Session => ({
  apiVersion: 'telepresence.io/v1',
  kind: 'Session',
  metadata: { name: uid, namespace: 'ambassador', uid },
  spec: { user: more.user ?? uid, workstation: { id: uid, hostname: `${uid}-laptop`, version: '0' }, publicKey: '', namespace: 'shop', mappedNamespaces: [] },
  status: more,
});

export const intercept = (uid: string, sessionUid: string, more: Partial<Intercept['spec']> = {}, status?: Intercept['status']): Intercept => ({
  apiVersion: 'telepresence.io/v1',
  kind: 'Intercept',
  metadata: { name: uid, namespace: 'shop', uid, creationTimestamp: `2026-01-01T00:00:0${uid.length}Z` },
  spec: {
    name: uid,
    user: sessionUid,
    session: { name: sessionUid, namespace: 'ambassador', uid: sessionUid },
    workload: { kind: 'Deployment', name: 'web' },
    service: 'web',
    port: { number: 80, name: 'http', protocol: 'TCP' },
    mechanism: 'tcp',
    target: { host: '127.0.0.1', port: 8080 },
    ...more,
  },
  ...(status === undefined ? {} : { status }),
});

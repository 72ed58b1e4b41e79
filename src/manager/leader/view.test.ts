import { expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import type { InformerOptions, KubeClient } from '../../kube/index.ts';
import { trimWorkload, watchView } from './view.ts';

const listener = { workload: () => {}, service: () => {}, pod: () => {} };

/** A client that watches nothing, and through which objects are put in by path. */
function fakeKube() {
  const watched = new Map<string, (object: unknown, kind?: 'added' | 'deleted') => void>();
  const createInformer = <T>(path: string, { onChange }: InformerOptions<T>) => {
    watched.set(path, (object, kind = 'added') => onChange?.(kind, object as T));
    return { ready: Promise.resolve() };
  };
  return { kube: { createInformer } as unknown as KubeClient, watched };
}
const object = (namespace: string, name: string) => ({ metadata: { namespace, name }, spec: {} });

it('watches all namespaces where all are served', () => {
  const { kube, watched } = fakeKube();
  watchView(kube, listener, { log: silentLog, signal: new AbortController().signal, served: [], own: 'ambassador' });
  expect([...watched.keys()].filter((path) => path.includes('/namespaces/'))).toEqual([]);
  expect(watched.has('/api/v1/pods')).toBe(true);
});

it('keeps of a workload what is decided from, not its environments, volumes and what was applied last', () => {
  const ports = [{ name: 'http', containerPort: 8080 }];
  const app = { name: 'app', image: 'app:1', ports, env: [{ name: 'A', value: 'b' }] };
  const proxy = { name: 'proxy', image: 'proxy:1', restartPolicy: 'Always', command: ['/proxy'] };
  const metadata = { labels: { app: 'web' }, annotations: { 'telepresence.io/inject-traffic-agent': 'enabled' } };
  const trimmed = trimWorkload({
    metadata: { name: 'web', generation: 3, annotations: { owner: 'me', 'kubectl.kubernetes.io/last-applied-configuration': '{}' }, managedFields: [{}] },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata, spec: { hostNetwork: true, containers: [app], initContainers: [proxy], volumes: [{ name: 'data' }] } },
    },
    status: { observedGeneration: 3 },
  });
  expect(trimmed).toEqual({
    metadata: { name: 'web', generation: 3, annotations: { owner: 'me' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata, spec: { hostNetwork: true, containers: [{ name: 'app', ports }], initContainers: [{ name: 'proxy', restartPolicy: 'Always' }] } },
    },
    status: { observedGeneration: 3 },
  });
});

it('asks only for what single namespaces give it rights to: these, and the pods of its own', () => {
  const { kube, watched } = fakeKube();
  const view = watchView(kube, listener, { log: silentLog, signal: new AbortController().signal, served: ['a', 'b'], own: 'ambassador' });
  const paths = [...watched.keys()];
  expect(paths.filter((path) => !/\/namespaces\/(a|b)\//.test(path)).toSorted()).toEqual(['/api/v1/namespaces', '/api/v1/namespaces/ambassador/pods']);
  for (const name of ['deployments', 'replicasets', 'statefulsets']) expect(paths.filter((path) => path.endsWith(`/${name}`))).toHaveLength(2);
  watched.get('/apis/apps/v1/namespaces/a/deployments')?.(object('a', 'web'));
  watched.get('/apis/apps/v1/namespaces/b/deployments')?.(object('b', 'web'));
  watched.get('/apis/apps/v1/namespaces/b/deployments')?.(object('b', 'web'), 'deleted');
  watched.get('/api/v1/namespaces')?.({ metadata: { name: 'a', labels: { x: 'y' } } });
  expect(view.workload({ namespace: 'a', kind: 'Deployment', name: 'web' })?.metadata?.name).toBe('web');
  expect(view.workload({ namespace: 'b', kind: 'Deployment', name: 'web' })).toBeUndefined();
  expect(view.namespaceLabels('a')).toEqual({ x: 'y' });
});

import { expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import type { InformerOptions, KubeClient } from '../../kube/index.ts';
import { watchView } from './view.ts';

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

/** The API in one process: what controllers and the node stand on. */
import { describe, expect, it } from 'vitest';
import { createLog } from '../../base/log.ts';
import type { KubeObject } from '../../kube/index.ts';
import { testClient } from './testing/api.ts';

const configMap = (data: Record<string, string>): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'shop' }, data });
const path = '/api/v1/namespaces/shop/configmaps/one';

describe('the client in the process', () => {
  it('creates, gets, patches and deletes', async () => {
    const api = await testClient();
    await api.create(configMap({ a: '1' }));
    await api.patch(path, 'merge', { data: { b: '2' } });
    await api.patch(path, 'json', [{ op: 'remove', path: '/data/a' }]);
    expect(await api.get(path)).toMatchObject({ kind: 'ConfigMap', data: { b: '2' } });
    await api.delete(path);
    await expect(api.get(path)).rejects.toMatchObject({ code: 'TP-KUBE-NOT-FOUND' });
  });

  it('refuses to replace what has changed since', async () => {
    const api = await testClient();
    const made = await api.create<KubeObject>(configMap({ a: '1' }));
    await api.patch(path, 'merge', { data: { a: '2' } });
    await expect(api.replace({ ...made, data: { a: '3' } })).rejects.toMatchObject({ code: 'TP-KUBE-CONFLICT' });
  });

  it('tells an informer of each change', async () => {
    const api = await testClient();
    const seen: string[] = [];
    const gone = Promise.withResolvers<void>();
    const informer = api.createInformer<KubeObject>('/api/v1/configmaps', {
      log: createLog(() => {}),
      onChange(kind) {
        seen.push(kind);
        if (kind === 'deleted') gone.resolve();
      },
    });
    await informer.ready;
    await api.create(configMap({ a: '1' }));
    await api.patch(path, 'merge', { data: { a: '2' } });
    await api.delete(path);
    await gone.promise;
    informer.close();
    expect(seen).toEqual(['added', 'modified', 'deleted']);
  });
});

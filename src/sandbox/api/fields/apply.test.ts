/** Server-side apply through the API itself: who owns what, who is refused, and what goes when nobody wants it any more. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/index.ts';
import type { ClusterClient } from '../../contract.ts';
import type { ManagedFieldsEntry } from '../object.ts';
import { refusalOf, testClient } from '../testing/api.ts';

const PATH = '/apis/apps/v1/namespaces/shop/deployments/web';

interface Seen extends KubeObject {
  metadata: KubeObject['metadata'] & { labels?: Record<string, string>; managedFields?: ManagedFieldsEntry[]; resourceVersion: string };
  spec: { replicas?: number; strategy?: unknown; template: { spec: { containers: { name: string; image?: string; env?: unknown[] }[] } } };
}

let api: ClusterClient;
beforeEach(async () => {
  api = await testClient();
  // What makes a Deployment whole is another manager's in all tests.
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'base', image: 'b' }] } };
  await apply('base', deployment({ selector: { matchLabels: labels }, template }));
});

function deployment(spec: Record<string, unknown>, containers: unknown[] = [], labels?: Record<string, string>): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', ...(labels === undefined ? {} : { labels }) },
    spec: { ...spec, ...(containers.length === 0 ? {} : { template: { spec: { containers } } }) },
  };
}
const apply = (fieldManager: string, object: KubeObject, force = false) => api.apply<Seen>(object, { fieldManager, force });

describe('server-side apply', () => {
  it('lets a manager own what it named, and not what the object got besides', async () => {
    const made = await apply('one', deployment({}, [{ name: 'web', image: 'a', ports: [{ containerPort: 80 }] }], { app: 'web' }));
    expect(made.spec.replicas).toBe(1);
    expect(made.metadata.managedFields?.filter(({ manager }) => manager !== 'base')).toEqual([
      {
        manager: 'one',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        time: expect.any(String) as string,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:template': {
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:name': {},
                    'f:image': {},
                    'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                  },
                },
              },
            },
          },
        },
      },
    ]);
  });

  it('changes nothing when the same is applied again', async () => {
    const first = await apply('one', deployment({ replicas: 2 }, [{ name: 'web', image: 'a' }]));
    const again = await apply('one', deployment({ replicas: 2 }, [{ name: 'web', image: 'a' }]));
    expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('refuses to change what another applies, names both, and takes it over by force', async () => {
    await apply('one', deployment({ replicas: 2 }, [{ name: 'web', image: 'a' }]));
    expect(await refusalOf(apply('two', deployment({ replicas: 3 })))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }] },
    });
    const forced = await apply('two', deployment({ replicas: 3 }), true);
    expect(forced.spec.replicas).toBe(3);
    expect(forced.metadata.managedFields?.find(({ manager }) => manager === 'one')?.fieldsV1).toEqual({
      'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {} } } } } },
    });
    expect(await refusalOf(apply('one', deployment({ replicas: 2 }, [{ name: 'web', image: 'b' }])))).toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "two": .spec.replicas',
    });
  });

  it('shares what two apply alike, and takes it away with the last of them', async () => {
    await apply('one', deployment({}, [], { a: '1', b: '1' }));
    await apply('two', deployment({}, [], { b: '1', c: '1' }));
    expect((await apply('one', deployment({}))).metadata.labels).toEqual({ b: '1', c: '1' });
    expect((await apply('two', deployment({}))).metadata.labels).toBeUndefined();
  });

  it('takes a container away whole that is applied no more, and leaves those of others', async () => {
    await apply(
      'one',
      deployment({}, [
        { name: 'web', image: 'a' },
        { name: 'log', image: 'l' },
      ]),
    );
    await apply('two', deployment({}, [{ name: 'proxy', image: 'p' }]));
    const next = await apply('one', deployment({}, [{ name: 'web', image: 'a' }]));
    expect(next.spec.template.spec.containers.map(({ name }) => name)).toEqual(['base', 'web', 'proxy']);
  });

  it('knows that an ordinary update took a field, and says who did', async () => {
    await apply('one', deployment({ replicas: 2 }));
    const patched = await api.patch<Seen>(PATH, 'merge', { spec: { replicas: 5 } }, { fieldManager: 'scaler' });
    expect(patched.metadata.managedFields?.find(({ manager }) => manager === 'scaler')?.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect(await refusalOf(apply('one', deployment({ replicas: 2 })))).toMatchObject({
      message: `Apply failed with 1 conflict: conflict with "scaler" using apps/v1: .spec.replicas`,
    });
  });

  it('keeps who wrote the status apart from who wrote the rest', async () => {
    await apply('one', deployment({ replicas: 2 }));
    const next = await api.patch<Seen>(PATH, 'merge', { status: { replicas: 2 } }, { fieldManager: 'controller', subresource: 'status' });
    expect(next.metadata.managedFields?.find(({ manager }) => manager === 'controller')).toMatchObject({
      subresource: 'status',
      operation: 'Update',
      fieldsV1: { 'f:status': { 'f:replicas': {} } },
    });
  });

  it('keeps nothing of a dry run', async () => {
    expect((await api.apply<Seen>(deployment({ replicas: 7 }), { fieldManager: 'one', dryRun: true })).spec.replicas).toBe(7);
    expect((await api.get<Seen>(PATH)).spec.replicas).toBe(1);
  });

  it('asks for a manager', async () => {
    expect(await refusalOf(api.apply(deployment({}), { fieldManager: '' }))).toMatchObject({
      code: 422,
      message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    });
  });
});

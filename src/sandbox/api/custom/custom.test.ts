/** Custom resources through the API: served as defined, checked as defined, gone with their definition. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../../base/log.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { ClusterClient } from '../../contract.ts';
import { refusalOf, testClient } from '../testing/api.ts';

const spec = {
  type: 'object',
  required: ['size'],
  'x-kubernetes-validations': [
    { rule: 'self.size < 100', messageExpression: "'size ' + string(self.size) + ' is too large'" },
    { rule: 'self.size >= oldSelf.size', message: 'it can only grow', reason: 'FieldValueForbidden' },
  ],
  properties: {
    size: { type: 'integer', minimum: 1 },
    mode: { type: 'string', enum: ['a', 'b'], default: 'a' },
    name: { type: 'string', maxLength: 5, pattern: '^[a-z]+$' },
    either: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};
const DEFINITION: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};
const PATH = '/apis/example.com/v1/namespaces/shop/widgets';

interface Seen extends KubeObject {
  metadata: KubeObject['metadata'] & { generation?: number };
  spec: Record<string, unknown>;
  status?: { conditions?: { type: string }[] };
}

let api: ClusterClient;
beforeEach(async () => {
  api = await testClient();
  await api.create(DEFINITION);
});

const widget = (name: string, fields: Record<string, unknown>): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'shop' },
  spec: fields,
});
const create = (fields: Record<string, unknown>) => api.create<Seen>(widget('one', fields));

describe('a custom resource', () => {
  it('is served at once, and its definition says that it is', async () => {
    await create({ size: 1 });
    const definition = await api.get<Seen>('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com');
    expect(definition.status?.conditions?.map(({ type }) => type)).toEqual(['NamesAccepted', 'Established']);
  });

  it('gets its defaults and loses what its kind does not know', async () => {
    expect((await create({ size: 1, foo: 2, any: { kept: true }, either: '80%' })).spec).toEqual({ size: 1, mode: 'a', any: { kept: true }, either: '80%' });
  });

  it.each([
    [{ size: '1' }, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'],
    [{ size: 0 }, 'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1'],
    [{}, 'spec.size: Required value'],
    [{ size: 1, mode: 'c' }, 'spec.mode: Unsupported value: "c": supported values: "a", "b"'],
    [{ size: 1, name: 'X' }, `spec.name: Invalid value: "X": spec.name in body should match '^[a-z]+$'`],
    [{ size: 1, name: 'abcdef' }, 'spec.name: Too long: may not be more than 5 bytes'],
    [{ size: 200 }, 'spec: Invalid value: "object": size 200 is too large'],
  ])('is refused when it is %j', async (fields, why) => {
    const status = await refusalOf(create(fields));
    expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(status?.message).toContain(why);
  });

  it('is held to what it was', async () => {
    await create({ size: 3 });
    expect((await refusalOf(api.patch(`${PATH}/one`, 'merge', { spec: { size: 2 } })))?.message).toBe(
      'Widget.example.com "one" is invalid: spec: Invalid value: "object": it can only grow',
    );
  });

  it('has a status of its own, which is no new generation', async () => {
    await create({ size: 3 });
    const next = await api.patch<Seen>(`${PATH}/one`, 'merge', { spec: { size: 9 }, status: { conditions: [{ type: 'Ready' }] } }, { subresource: 'status' });
    expect(next).toMatchObject({ metadata: { generation: 1 }, spec: { size: 3 }, status: { conditions: [{ type: 'Ready' }] } });
    expect((await api.patch<Seen>(`${PATH}/one`, 'merge', { spec: { size: 9 }, status: {} })).status?.conditions).toHaveLength(1);
  });

  it('takes no strategic merge patch', async () => {
    await create({ size: 3 });
    expect(await refusalOf(api.patch(`${PATH}/one`, 'strategic', { spec: {} }))).toMatchObject({ code: 415 });
  });

  it('goes with its definition', async () => {
    await create({ size: 3 });
    const gone = Promise.withResolvers<void>();
    const informer = api.createInformer('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      log: createLog(() => {}),
      onChange: (kind) => kind === 'deleted' && gone.resolve(),
    });
    await informer.ready;
    await api.delete('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com');
    await gone.promise;
    informer.close();
    expect(await refusalOf(api.get(PATH))).toMatchObject({ code: 404 });
    await api.create(DEFINITION);
    expect((await api.list(PATH)).items).toEqual([]);
  });
});

describe('a built-in kind', () => {
  const pod = (more: Record<string, unknown>) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'shop' },
    spec: { containers: [{ name: 'a', image: 'i', ...more }] },
  });

  it('refuses unknown fields when it is asked to, and a wrong type always', async () => {
    const strict = api.request('POST', '/api/v1/namespaces/shop/pods', { body: pod({ immage: 'x' }), query: { fieldValidation: 'Strict' } });
    expect((await refusalOf(strict))?.message).toBe(
      'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].immage"',
    );
    expect((await refusalOf(api.create(pod({ image: 5 }))))?.message).toBe(
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string',
    );
    expect(await api.create(pod({ immage: 'x' }))).not.toHaveProperty('spec.containers.0.immage');
  });
});

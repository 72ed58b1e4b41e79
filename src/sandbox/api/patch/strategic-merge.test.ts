import { expect, it } from 'vitest';
import { builtInSchema } from '../schema/built-in.ts';
import { strategicMerge } from './strategic-merge.ts';

const schema = builtInSchema({ group: '', version: 'v1', kind: 'Pod' });
const merged = (target: unknown, patch: unknown) => strategicMerge(target, patch, schema);
const pod = { spec: { containers: [{ name: 'web', image: 'one', env: [{ name: 'A', value: '1' }] }, { name: 'log' }] } };

it('merges containers and their environment by name, new ones first', () => {
  expect(merged(pod, { spec: { containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] } })).toEqual({
    spec: {
      containers: [
        {
          name: 'web',
          image: 'one',
          env: [
            { name: 'B', value: '2' },
            { name: 'A', value: '1' },
          ],
        },
        { name: 'log' },
      ],
    },
  });
});

it('deletes an item, replaces a whole object, and takes other lists as they are', () => {
  expect(merged(pod, { spec: { containers: [{ name: 'log', $patch: 'delete' }] } })).toEqual({ spec: { containers: [pod.spec.containers[0]] } });
  expect(merged(pod, { spec: { $patch: 'replace', nodeName: 'n' } })).toEqual({ spec: { nodeName: 'n' } });
  expect(merged({ spec: { tolerations: [{ key: 'a' }] } }, { spec: { tolerations: [{ key: 'b' }] } })).toEqual({ spec: { tolerations: [{ key: 'b' }] } });
});

it('puts items in the order that is asked for, and takes values out of a plain list', () => {
  expect(merged(pod, { spec: { '$setElementOrder/containers': [{ name: 'log' }, { name: 'web' }] } })).toEqual({
    spec: { containers: [...pod.spec.containers].reverse() },
  });
  expect(merged({ metadata: { finalizers: ['a', 'b'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } })).toEqual({
    metadata: { finalizers: ['b', 'c'] },
  });
});

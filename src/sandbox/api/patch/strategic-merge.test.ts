import { expect, it } from 'vitest';
import { strategicMerge } from './strategic-merge.ts';

const pod = { spec: { containers: [{ name: 'web', image: 'one', env: [{ name: 'A', value: '1' }] }, { name: 'log' }] } };

it('merges containers and their environment by name', () => {
  expect(strategicMerge(pod, { spec: { containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] } })).toEqual({
    spec: {
      containers: [
        {
          name: 'web',
          image: 'one',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
        },
        { name: 'log' },
      ],
    },
  });
});

it('deletes an item, replaces a whole object, and takes other lists as they are', () => {
  expect(strategicMerge(pod, { spec: { containers: [{ name: 'log', $patch: 'delete' }] } })).toEqual({ spec: { containers: [pod.spec.containers[0]] } });
  expect(strategicMerge(pod, { spec: { $patch: 'replace', nodeName: 'n' } })).toEqual({ spec: { nodeName: 'n' } });
  expect(strategicMerge({ args: ['a'] }, { args: ['b'] })).toEqual({ args: ['b'] });
});

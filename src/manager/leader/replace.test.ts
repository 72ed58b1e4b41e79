import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../protocol/resources.ts';
import { deployment, pod, statefulSet } from './fixtures.ts';
import { planReplacement, restartWarning } from './replace.ts';
import { asWorkload } from './workload.ts';

const annotations = { [ANNOTATION.agentConfig]: 'new', [ANNOTATION.restartedAt]: '1' };
const web = (spec: Record<string, unknown> = {}) => asWorkload('Deployment', deployment(spec, {}, annotations));
const set = (uid: string, config?: string): ReplicaSet => ({
  metadata: { uid, name: uid },
  spec: { selector: {}, template: { metadata: { annotations: config === undefined ? {} : { ...annotations, [ANNOTATION.agentConfig]: config } } } },
});
const sets = [set('old'), set('new', 'new')];
const stateful = (spec: Record<string, unknown>, replicas = 2) => {
  const object = statefulSet({ replicas, ...spec });
  if (object.spec?.template.metadata !== undefined) object.spec.template.metadata.annotations = annotations;
  return asWorkload('StatefulSet', object);
};

describe('pods of a Deployment', () => {
  it('of an older template are left to the Deployment', () => {
    expect(planReplacement(web(), [pod('a', { owner: 'old' }), pod('b', { owner: 'new', config: 'new' })], sets, true)).toEqual({ kind: 'none' });
  });
  it('that started without an agent are evicted one at a time', () => {
    const [a, b, whole] = [pod('a', { owner: 'new' }), pod('b', { owner: 'new' }), pod('c', { owner: 'new', config: 'new' })];
    expect(planReplacement(web({ replicas: 3 }), [a, b, whole], sets, true)).toEqual({ kind: 'evict', pod: a });
    expect(planReplacement(web({ replicas: 3 }), [b, whole, pod('d', { owner: 'new', config: 'new', ready: false })], sets, true)).toEqual({ kind: 'wait' });
  });
  it('of which there is one are restarted with a surge instead', () => {
    expect(planReplacement(web({ replicas: 1 }), [pod('a', { owner: 'new' })], sets, true)).toEqual({ kind: 'restart' });
  });
  it('stay as they are when nobody intercepts, or the rollout is paused', () => {
    expect(planReplacement(web(), [pod('a', { owner: 'new' })], sets, false)).toEqual({ kind: 'none' });
    expect(planReplacement(web({ paused: true }), [pod('a', { owner: 'new' })], sets, true)).toEqual({ kind: 'none' });
  });
});

describe('pods of a StatefulSet', () => {
  it('are left to it by default, and below its partition', () => {
    const pods = [pod('web-0', { revision: 'r1' }), pod('web-1', { revision: 'r1' })];
    expect(planReplacement(stateful({}), pods, [], true)).toEqual({ kind: 'none' });
    const partition = { updateStrategy: { rollingUpdate: { partition: 1 } } };
    expect(planReplacement(stateful(partition), [pod('web-0', { revision: 'r1' }), pod('web-1', { revision: 'r2', config: 'new' })], [], true)).toEqual({
      kind: 'none',
    });
  });
  it('with OnDelete are evicted, the highest first', () => {
    const pods = [pod('web-0'), pod('web-1')];
    expect(planReplacement(stateful({ updateStrategy: { type: 'OnDelete' } }), pods, [], true)).toEqual({ kind: 'evict', pod: pods[1] });
  });
  it('are left alone until the StatefulSet has seen its template', () => {
    const pods = [pod('web-0', { revision: 'r2' }), pod('web-1', { revision: 'r2' })];
    expect(planReplacement({ ...stateful({}), observed: false }, pods, [], true)).toEqual({ kind: 'wait' });
  });
  it('that are new and have no agent are evicted', () => {
    const bare = pod('web-0', { revision: 'r2' });
    expect(planReplacement(stateful({}), [bare, pod('web-1', { revision: 'r2', config: 'new' })], [], true)).toEqual({ kind: 'evict', pod: bare });
  });
});

it.each([
  ['a surging Deployment', web(), undefined],
  ['Recreate', web({ strategy: { type: 'Recreate' } }), /All pods/],
  ['no surge', web({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } }), /fewer pods/],
  ['one pod of a StatefulSet', stateful({}, 1), /only pod/],
  ['several pods of a StatefulSet', stateful({}), undefined],
  ['OnDelete', stateful({ updateStrategy: { type: 'OnDelete' } }), /evicted one after the other/],
  ['a partition', stateful({ updateStrategy: { rollingUpdate: { partition: 1 } } }), /from number 1 on/],
] as const)('warns before a restart: %s', (_, workload, warning) => {
  const said = restartWarning(workload);
  if (warning === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(warning);
});

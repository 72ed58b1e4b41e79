import { describe, expect, it } from 'vitest';
import type { KubeClient } from '../kube/index.ts';
import { applyAll } from './apply.ts';
import type { KubeObject } from './kube-object.ts';

const definition: KubeObject = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'things.example.org' } };
const thing: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'after', namespace: 'default' } };

/** An API server that gives one answer after the other about the definition, the last one for ever. */
function answering(states: unknown[]): { kube: KubeClient; calls: string[] } {
  const calls: string[] = [];
  const kube = {
    apply: async (object: KubeObject) => {
      calls.push(`apply ${object.kind}`);
      return object;
    },
    get: async () => {
      calls.push('get');
      return { ...definition, status: states.length > 1 ? states.shift() : states[0] };
    },
  };
  return { kube: kube as unknown as KubeClient, calls };
}

describe('applyAll', () => {
  it('waits for a definition that nobody has looked at yet: its status is not there, or null', async () => {
    const established = { conditions: [{ type: 'Established', status: 'True' }] };
    const { kube, calls } = answering([undefined, { conditions: null }, { conditions: [] }, established]);
    await applyAll(kube, [definition, thing]);
    expect(calls).toEqual(['apply CustomResourceDefinition', 'get', 'get', 'get', 'get', 'apply ConfigMap']);
  });
});

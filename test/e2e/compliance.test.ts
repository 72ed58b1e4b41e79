/** The cluster of the e2e tests answers as the one that `answers.json` was recorded from: what holds the sandbox is held itself to what is there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../src/kube/index.ts';
import { recordedAnswers } from '../compliance/kubernetes/answers.ts';
import { askScene } from '../compliance/kubernetes/ask.ts';
import { SCENES } from '../compliance/kubernetes/questions/index.ts';
import { connect } from '../compliance/kubernetes/sandbox-api.ts';
import { clusterAvailable, startCluster } from './harness/cluster.ts';
import { whoTakesIngresses } from './harness/ingress-controller.ts';

describe.skipIf(!clusterAvailable)('a cluster with a traffic-manager answers as an empty one does (needs root and the test cluster):', () => {
  const recorded = recordedAnswers();
  let kube: KubeClient;
  let ingressesChange: string | undefined;

  beforeAll(async () => {
    const cluster = await startCluster();
    kube = await connect(cluster.kubeconfig);
    ingressesChange = await whoTakesIngresses(cluster);
  });
  afterAll(() => kube?.close());

  it.for(SCENES.map((scene) => [scene.name, scene] as const))('%s', async ([name, scene], { skip }) => {
    skip(ingressesChange !== undefined && name.startsWith('Ingress '), ingressesChange);
    const answers = await askScene(kube, scene);
    for (const [index, { method, path }] of scene.questions.entries()) {
      const question = `${index} ${method} ${path}`;
      expect.soft({ question, answer: answers[index] }).toEqual({ question, answer: recorded[name]?.[index] });
    }
  });
});

/**
 * The cluster of the e2e tests says to the real `kubectl`s what the one said that `answers.json` was recorded from. A `kubectl` takes a while to
 * start, so that `npm test` types each scene at one of them only, in turn, and leaves out those that do the same with every kind: of each kind
 * it has asked hundreds of questions already, by the project's own client. `npm run e2e`, on either cluster, types all at each.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedSayings, sayingOf, versionOf } from '../compliance/kubernetes/kubectl/answers.ts';
import { textOf } from '../compliance/kubernetes/kubectl/scene.ts';
import { KUBECTL_SCENES } from '../compliance/kubernetes/kubectl/scenes/index.ts';
import { KIND_SCENES } from '../compliance/kubernetes/kubectl/scenes/kinds.ts';
import { createTypist, type Said, type Typist, typeAll } from '../compliance/kubernetes/kubectl/type.ts';
import { clusterAvailable, onSandbox, startCluster } from './harness/cluster.ts';
import { whoTakesIngresses } from './harness/ingress-controller.ts';
import { triedKubectls } from './harness/kubectls.ts';

const recorded = recordedSayings();
const versions = new Set(Object.values(recorded).flatMap((lines) => lines.flatMap((line) => Object.keys(line))));
const kubectls = triedKubectls();
const everything = !onSandbox || process.env['TELEPRESENCE_TEST_EVERYTHING'] !== undefined;
const inTurn = (index: number) => KUBECTL_SCENES.filter((scene) => !KIND_SCENES.includes(scene)).filter((_, position) => position % kubectls.length === index);
const typedAt = (index: number) => (everything ? KUBECTL_SCENES : inTurn(index));

describe.each(kubectls.map((tried, index) => ({ ...tried, scenes: typedAt(index) })))('$name', ({ binary, missing, scenes }) => {
  const skipped = !clusterAvailable || missing !== undefined;
  const said = new Map<string, PromiseWithResolvers<() => Said[]>>(scenes.map(({ name }) => [name, Promise.withResolvers<() => Said[]>()]));
  let typist: Typist;
  let version: string;
  let typing: Promise<void> | undefined;
  let ingressesChange: string | undefined;

  beforeAll(async () => {
    if (skipped) return;
    const cluster = await startCluster();
    const { kubeconfig } = cluster;
    ingressesChange = await whoTakesIngresses(cluster);
    version = await versionOf(binary);
    typist = await createTypist(binary, kubeconfig);
    // all begin at once: each test waits for its own
    typing = typeAll(typist, scenes, {
      done: ({ name }, answers) => said.get(name)?.resolve(() => answers),
      failed: ({ name }, error) =>
        said.get(name)?.resolve(() => {
          throw error;
        }),
    });
  });
  afterAll(async () => {
    await typing;
    await typist?.[Symbol.asyncDispose]();
  });

  it.skipIf(skipped || process.env['TELEPRESENCE_TEST_KUBECTL'] !== undefined)('is of a version whose answers were recorded', () => {
    expect(versions).toContain(version);
  });

  it.skipIf(skipped).for(scenes.map((scene) => [scene.name, scene] as const))('%s', async ([name, scene], { skip }) => {
    skip(!versions.has(version), `what kubectl ${version} says was not recorded`);
    skip(ingressesChange !== undefined && name.includes('ingresses'), ingressesChange);
    const answers = (await said.get(name)?.promise)?.();
    for (const [index, typed] of scene.lines.entries()) {
      const line = `${index} ${textOf(typed)}`;
      expect.soft({ line, said: answers?.[index] }).toEqual({ line, said: sayingOf(recorded[name]?.[index], version) });
    }
  });
});

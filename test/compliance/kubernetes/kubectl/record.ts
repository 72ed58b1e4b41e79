/**
 * Types all lines at a real cluster with each kubectl that tests try, and writes down what they say: `answers.json`, which the sandbox is
 * compared with. The cluster has the image of this checkout (`npm run image`), for the scenes that run pods.
 *
 *   KUBECONFIG=… node test/compliance/kubernetes/kubectl/record.ts [PATTERN]
 */
import { triedKubectls } from '../../../e2e/harness/kubectls.ts';
import { recordedSayings, versionOf, writeSayings } from './answers.ts';
import { KUBECTL_SCENES } from './scenes/index.ts';
import { createTypist, typeAll } from './type.ts';

const [pattern = ''] = process.argv.slice(2);
const scenes = recordedSayings();
const chosen = KUBECTL_SCENES.filter(({ name }) => name.includes(pattern));
for (const { name } of chosen) delete scenes[name];
for (const { binary, missing } of triedKubectls()) {
  if (missing !== undefined) throw new Error(missing);
  const version = await versionOf(binary);
  await using typist = await createTypist(binary, process.env['KUBECONFIG'] ?? '');
  await typeAll(typist, chosen, {
    done(scene, said) {
      scenes[scene.name] = said.map((one, index) => ({ ...scenes[scene.name]?.[index], [version]: one }));
    },
    failed(_scene, error) {
      throw error;
    },
  });
}
const inOrder = Object.fromEntries(KUBECTL_SCENES.map(({ name }) => [name, scenes[name] ?? []]));
writeSayings(inOrder);
process.stdout.write(`${Object.values(inOrder).flat().length} lines\n`);

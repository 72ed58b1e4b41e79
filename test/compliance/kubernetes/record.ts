/**
 * Asks a real cluster all questions and writes down what it says: `answers.json`, which the sandbox is compared with.
 *
 *   KUBECONFIG=… node test/compliance/kubernetes/record.ts [PATTERN]
 */
import { recordedAnswers, writeAnswers } from './answers.ts';
import { type Answers, askScene } from './ask.ts';
import { SCENES } from './questions/index.ts';
import { connect } from './sandbox-api.ts';

const [pattern = ''] = process.argv.slice(2);
const kube = await connect(process.env['KUBECONFIG'] ?? '');
const known = pattern === '' ? {} : recordedAnswers();
const answers: Record<string, Answers> = {};
for (const scene of SCENES) answers[scene.name] = scene.name.includes(pattern) ? await askScene(kube, scene) : (known[scene.name] ?? []);
kube.close();
writeAnswers(answers);
process.stdout.write(`${Object.values(answers).flat().length} answers\n`);

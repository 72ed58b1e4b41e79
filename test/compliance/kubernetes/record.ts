/**
 * Asks a real cluster all questions and writes down what it says: `answers.json`, which the sandbox is compared with.
 *
 *   KUBECONFIG=… node test/compliance/kubernetes/record.ts [PATTERN]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Answers, askScene } from './ask.ts';
import { SCENES } from './questions/index.ts';
import { connect } from './sandbox-api.ts';

const file = path.join(import.meta.dirname, 'answers.json');
const [pattern = ''] = process.argv.slice(2);
const kube = await connect(process.env['KUBECONFIG'] ?? '');
const known = pattern === '' ? {} : (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Answers>);
const answers: Record<string, Answers> = {};
for (const scene of SCENES) answers[scene.name] = scene.name.includes(pattern) ? await askScene(kube, scene) : (known[scene.name] ?? []);
kube.close();
const scenes = Object.entries(answers).map(([name, all]) => `${JSON.stringify(name)}: [\n${all.map((answer) => JSON.stringify(answer)).join(',\n')}\n]`);
writeFileSync(file, `{\n${scenes.join(',\n')}\n}\n`);
process.stdout.write(`${Object.values(answers).flat().length} answers\n`);

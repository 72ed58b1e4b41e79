/** What a real cluster said, as `record.ts` wrote it down. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Answers, withoutTimesOrder } from './ask.ts';

const FILE = path.join(import.meta.dirname, 'answers.json');

/** By the scene's name, in the order of its questions. */
export const recordedAnswers = (): Record<string, Answers> => JSON.parse(readFileSync(FILE, 'utf8'), withoutTimesOrder) as Record<string, Answers>;

export function writeAnswers(answers: Record<string, Answers>): void {
  const scenes = Object.entries(answers).map(([name, all]) => `${JSON.stringify(name)}: [\n${all.map((answer) => JSON.stringify(answer)).join(',\n')}\n]`);
  writeFileSync(FILE, `{\n${scenes.join(',\n')}\n}\n`);
}

/** What real `kubectl`s said of a real cluster, as `record.ts` wrote it down: for each line once, where all versions say the same. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Said } from './type.ts';

const FILE = path.join(import.meta.dirname, 'answers.json');

/** By the kubectl's version. */
type Recorded = Record<string, Said>;

/** By the scene's name, in the order of its lines. */
export type RecordedScenes = Record<string, Recorded[]>;

export function recordedSayings(): RecordedScenes {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as RecordedScenes) : {};
}

/** What a kubectl says, `*` standing for all that say the same. */
export function sayingOf(recorded: Recorded | undefined, version: string): Said | undefined {
  return recorded?.[version] ?? recorded?.['*'];
}

export function writeSayings(scenes: RecordedScenes): void {
  const texts = Object.entries(scenes).map(([name, all]) => `${JSON.stringify(name)}: [\n${all.map((one) => JSON.stringify(merged(one))).join(',\n')}\n]`);
  writeFileSync(FILE, `{\n${texts.join(',\n')}\n}\n`);
}

function merged(recorded: Recorded): Recorded {
  const texts = new Set(Object.values(recorded).map((said) => JSON.stringify(said)));
  const [first] = Object.values(recorded);
  return texts.size === 1 && first !== undefined ? { '*': first } : recorded;
}

/** `1.35`. */
export async function versionOf(kubectl: string): Promise<string> {
  const { stdout } = await promisify(execFile)(kubectl, ['version', '--client', '-o', 'json']);
  const { major, minor } = (JSON.parse(stdout) as { clientVersion: { major: string; minor: string } }).clientVersion;
  return `${major}.${minor.replace(/\D/g, '')}`;
}

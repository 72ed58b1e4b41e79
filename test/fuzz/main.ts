/**
 * `npm run fuzz -- [TARGET…] [--seconds N] [--seed S] [--case N]`: throws changed recordings at every place where bytes of others come in.
 * Without targets all run, one after the other. A failure prints seed and input, and how to repeat it.
 */
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';
import { TARGETS } from './targets/index.ts';

const DEFAULT_SECONDS = 60;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, case: { type: 'string' }, list: { type: 'boolean' } },
});
const print = (line: string) => process.stdout.write(`${line}\n`);
const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
if (values.list === true || unknown.length > 0) {
  if (unknown.length > 0) print(`no such target: ${unknown.join(', ')}`);
  for (const { name, about } of TARGETS) print(`${name}: ${about}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
const seed = values.seed === undefined ? Date.now() % 1_000_000_007 : Number(values.seed);
const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
const only = values.case === undefined ? undefined : Number(values.case);
let failed = false;
for (const target of TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  print(`${target.name} (${target.about}), seed ${seed}`);
  try {
    const { cases, seconds: took, keptMiB, residentMiB } = await fuzz(target, { seed, ...(only === undefined ? { seconds } : { only }) });
    print(`  ${cases} cases in ${took.toFixed(1)} s; kept ${keptMiB.toFixed(1)} MiB, at most ${residentMiB.toFixed(0)} MiB resident`);
  } catch (error) {
    failed = true;
    print(error instanceof Error ? `${error.message}\n${error.cause instanceof Error ? (error.cause.stack ?? '') : ''}` : String(error));
    if (error instanceof Error && error.cause instanceof Error && error.cause.cause instanceof Error) print(error.cause.cause.stack ?? '');
  }
}
process.exit(failed ? 1 : 0);

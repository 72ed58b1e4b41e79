/** A short run of every fuzzer with a seed of its own: `npm run fuzz` runs them for longer. */
import { describe, expect, it } from 'vitest';
import { fuzz } from './run.ts';
import { TARGETS } from './targets/index.ts';

const SEED = 20_301;
const SECONDS = 1.5;

describe('whatever others send', () => {
  it.each(TARGETS.map((target) => [target.name, target] as const))('%s', async (_name, target) => {
    const { cases } = await fuzz(target, { seed: SEED, seconds: SECONDS });
    expect(cases).toBeGreaterThan(0);
  });
});

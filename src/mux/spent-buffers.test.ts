import { execFileSync } from 'node:child_process';
import { expect, it, vi } from 'vitest';
import { NODE_FLAGS } from '../base/node-flags.ts';
import { SPENT_BYTES } from './limits.ts';
import { spentBuffers } from './spent-buffers.ts';

it('collects each time that so much was carried', () => {
  const collect = vi.fn();
  const carried = spentBuffers(collect);
  for (let count = 0; count < 15; count++) carried(SPENT_BYTES / 4);
  expect(collect).toHaveBeenCalledTimes(3);
  carried(SPENT_BYTES / 4);
  expect(collect).toHaveBeenCalledTimes(4);
});

it('keeps buffers from piling up in a program that carries bytes', () => {
  // a buffer of 64 KiB for each read, as Node makes them: V8 by itself lets 64 MiB of them be
  const script = `
    import { countCarried } from ${JSON.stringify(new URL('spent-buffers.ts', import.meta.url).href)};
    let most = 0;
    for (let count = 0; count < 2_000; count++) {
      new ArrayBuffer(64 * 1024);
      countCarried(64 * 1024);
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    console.log(most);`;
  const most = Number(execFileSync(process.execPath, [...NODE_FLAGS, '--input-type=module', '--eval', script], { encoding: 'utf8' }));
  expect(most).toBeLessThan(3 * SPENT_BYTES);
});

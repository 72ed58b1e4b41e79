import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { alive, kill } from './state.ts';

it('a process that has ended meanwhile can be killed once more', async () => {
  const child = spawn('sleep', ['600']);
  const { pid = 0 } = child;
  await once(child, 'spawn');
  expect(alive(pid)).toBe(true);
  const ended = once(child, 'exit');
  kill(pid);
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(alive(pid)).toBe(false);
  kill(pid);
});

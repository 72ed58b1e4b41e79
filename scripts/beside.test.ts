import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endAll, runInLane } from './beside.ts';

const sh = (script: string) => ({ command: 'sh', args: ['-c', script], cwd: '/', env: process.env });

describe('runInLane', () => {
  afterEach(() => vi.restoreAllMocks());
  const printed = (): string[] => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    return lines;
  };
  const runs = (pid: string): boolean => {
    try {
      // what has ended and was not waited for is no process any more
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };

  it('prints each line behind the name of its lane, and returns the exit code', async () => {
    const lines = printed();
    expect(await runInLane('one', sh('echo first; echo second >&2; exit 3'))).toBe(3);
    expect(lines.toSorted()).toEqual(['one | first\n', 'one | second\n']);
  });

  it('ends what was started, and what that has left behind', async () => {
    const lines = printed();
    const running = runInLane('two', sh('setsid sleep 1000 & echo $!; echo $$; wait'));
    await vi.waitFor(() => expect(lines).toHaveLength(2), 10_000);
    const pids = lines.map((line) => line.replace('two | ', '').trim());
    expect(pids.map(runs)).toEqual([true, true]);
    endAll();
    expect(await running).toBe(128 + 9);
    await vi.waitFor(() => expect(pids.map(runs)).toEqual([false, false]), 10_000);
  });
});

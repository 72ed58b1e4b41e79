import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { giveBackWhenIdle, MEMORY_LOOK_MS, RESTING_CPU_MS, WORKED_CPU_MS } from './idle-memory.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function program() {
  let used = 0;
  const collect = vi.fn();
  const stop = giveBackWhenIdle({ cpu: () => used, collect });
  return {
    collect,
    stop,
    look(workMs: number) {
      used += workMs;
      vi.advanceTimersByTime(MEMORY_LOOK_MS);
    },
  };
}

it('gives memory back once after its start, and once after work, when it rests', () => {
  const { collect, look, stop } = program();
  look(RESTING_CPU_MS + 1);
  expect(collect).not.toHaveBeenCalled();
  look(RESTING_CPU_MS);
  expect(collect).toHaveBeenCalledTimes(1);
  for (let count = 0; count < 100; count++) look(RESTING_CPU_MS);
  expect(collect).toHaveBeenCalledTimes(1);
  look(WORKED_CPU_MS);
  look(0);
  expect(collect).toHaveBeenCalledTimes(2);
  stop();
  look(WORKED_CPU_MS);
  look(0);
  expect(collect).toHaveBeenCalledTimes(2);
});

it('leaves little work alone', () => {
  const { collect, look, stop } = program();
  look(0);
  look(WORKED_CPU_MS - 1);
  look(0);
  expect(collect).toHaveBeenCalledTimes(1);
  stop();
});

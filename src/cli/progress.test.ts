import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgress, PROGRESS_DELAY_MS, type ProgressMode } from './progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What is written when one step is over at once, the next lasts, and a third follows. */
function written(mode: ProgressMode, isTTY = false): string {
  let text = '';
  const progress = createProgress(mode, { isTTY, write: (part: string) => (text += part) });
  progress.show('one');
  progress.show('two');
  vi.advanceTimersByTime(PROGRESS_DELAY_MS);
  progress.show('three');
  progress.done();
  return text;
}

describe('progress', () => {
  it('says nothing of what is over within a second', () => {
    let text = '';
    const progress = createProgress('plain', { write: (part: string) => (text += part) });
    progress.show('one');
    vi.advanceTimersByTime(PROGRESS_DELAY_MS - 1);
    progress.done();
    vi.advanceTimersByTime(PROGRESS_DELAY_MS);
    expect(text).toBe('');
  });

  it.each([
    ['plain', false, 'two\nthree\n'],
    ['auto', false, 'two\nthree\n'],
    ['auto', true, '\r\x1b[Ktwo\r\x1b[Kthree\r\x1b[K'],
    ['tty', false, '\r\x1b[Ktwo\r\x1b[Kthree\r\x1b[K'],
    ['json', true, '{"progress":"two"}\n{"progress":"three"}\n'],
    ['quiet', true, ''],
  ] as const)('writes %s (terminal: %s)', (mode, isTTY, text) => {
    expect(written(mode, isTTY)).toBe(text);
  });
});

/** Progress lines on stderr, and only while one call takes long: what is over at once is not worth a line. */
import type { TextSink } from './output.ts';

export const PROGRESS_MODES = ['auto', 'tty', 'plain', 'json', 'quiet'] as const;
export type ProgressMode = (typeof PROGRESS_MODES)[number];
/** A call shows nothing before it has lasted this long. */
export const PROGRESS_DELAY_MS = 1000;

export interface Progress {
  show(text: string): void;
  /** Ends it, and takes back a line on a terminal. */
  done(): void;
}

export function createProgress(mode: ProgressMode, stderr: TextSink, delayMs = PROGRESS_DELAY_MS): Progress {
  const form = mode === 'auto' ? (stderr.isTTY === true ? 'tty' : 'plain') : mode;
  let latest: string | undefined;
  let late = false;
  let dirty = false;
  const write = () => {
    if (latest === undefined || form === 'quiet') return;
    if (form === 'json') stderr.write(`${JSON.stringify({ progress: latest })}\n`);
    else if (form === 'plain') stderr.write(`${latest}\n`);
    else stderr.write(`\r\x1b[K${latest}`);
    dirty = form === 'tty';
    latest = undefined;
  };
  const timer = setTimeout(() => {
    late = true;
    write();
  }, delayMs);
  timer.unref();
  return {
    show(text) {
      latest = text;
      if (late) write();
    },
    done() {
      clearTimeout(timer);
      if (dirty) stderr.write('\r\x1b[K');
      dirty = false;
    },
  };
}

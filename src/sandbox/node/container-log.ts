/**
 * What a container's instance printed, as a kubelet's log files hold it: time, stream, whether a line is whole, the line.
 * Bounded by rotation. Written at once, so that a reader who follows sees all that was there before.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { LogOptions } from '../contract.ts';
import { LOG_FILE_LIMIT, LOG_FILES_KEPT, LOG_LINE_LIMIT } from './limits.ts';

export interface ContainerLog {
  write(stream: 'stdout' | 'stderr', bytes: Buffer): void;
  /** The instance ended: what is left of a last line is written, and those who follow come to their end. */
  end(): void;
  read(options: LogOptions): AsyncGenerator<Uint8Array>;
  /** Lines from its end, for a termination message. */
  tail(lines: number): string;
  remove(): void;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

export function createContainerLog(file: string, now: () => number = Date.now): ContainerLog {
  let fd = openSync(file, 'a', 0o640);
  let size = 0;
  let ended = false;
  const rest = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  const followers = new Set<(line: string) => void>();
  const wakers = new Set<() => void>();
  const older = (index: number) => `${file}.${index}`;

  function rotate(): void {
    closeSync(fd);
    for (let index = LOG_FILES_KEPT - 2; index >= 1; index--) if (existsSync(older(index))) renameSync(older(index), older(index + 1));
    renameSync(file, older(1));
    fd = openSync(file, 'a', 0o640);
    size = 0;
  }

  function put(stream: 'stdout' | 'stderr', part: Buffer, whole: boolean): void {
    const time = new Date(now()).toISOString().replace('Z', `${String(Number(process.hrtime.bigint() % 1_000_000n)).padStart(6, '0')}Z`);
    const line = `${time} ${stream} ${whole ? 'F' : 'P'} ${part.toString('latin1')}\n`;
    if (size + line.length > LOG_FILE_LIMIT) rotate();
    size += writeSync(fd, Buffer.from(line, 'latin1'));
    for (const follower of followers) follower(line);
  }

  function lines(): string[] {
    const texts: string[] = [];
    for (let index = LOG_FILES_KEPT - 1; index >= 1; index--) if (existsSync(older(index))) texts.push(readFileSync(older(index), 'latin1'));
    texts.push(readFileSync(file, 'latin1'));
    return texts.join('').split('\n').slice(0, -1);
  }

  return {
    write(stream, bytes) {
      let all = rest[stream].length === 0 ? bytes : Buffer.concat([rest[stream], bytes]);
      for (let at = all.indexOf(NEWLINE); at >= 0 || all.length >= LOG_LINE_LIMIT; at = all.indexOf(NEWLINE)) {
        const whole = at >= 0 && at <= LOG_LINE_LIMIT;
        // what ends a line on a terminal: a kubelet's logs have lines
        const end = whole && at > 0 && all[at - 1] === RETURN ? at - 1 : at;
        put(stream, all.subarray(0, whole ? end : LOG_LINE_LIMIT), whole);
        all = all.subarray(whole ? at + 1 : LOG_LINE_LIMIT);
      }
      rest[stream] = Buffer.from(all);
      for (const wake of wakers) wake();
    },
    end() {
      if (ended) return;
      for (const stream of ['stdout', 'stderr'] as const) if (rest[stream].length > 0) put(stream, rest[stream], false);
      ended = true;
      for (const wake of wakers) wake();
    },
    async *read(options) {
      const { follow, timestamps, tailLines, sinceTime, signal } = options;
      let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
      const render = (line: string): Buffer | undefined => {
        const [time = '', , whole, ...words] = line.split(' ');
        if (sinceTime !== undefined && Date.parse(time) < sinceTime) return undefined;
        const text = words.join(' ') + (whole === 'F' ? '\n' : '');
        return Buffer.from(timestamps ? `${time} ${text}` : text, 'latin1');
      };
      const pending: string[] = [];
      const follower = (line: string): void => void pending.push(line.slice(0, -1));
      if (follow && !ended) followers.add(follower);
      try {
        const there = lines();
        for (const line of tailLines === undefined ? there : tailLines === 0 ? [] : there.slice(-tailLines)) {
          const bytes = render(line)?.subarray(0, left);
          if (bytes === undefined) continue;
          left -= bytes.length;
          yield bytes;
          if (left <= 0) return;
        }
        while (follow && !signal.aborted) {
          const line = pending.shift();
          if (line !== undefined) {
            const bytes = render(line)?.subarray(0, left);
            if (bytes !== undefined) yield bytes;
            left -= bytes?.length ?? 0;
            if (left <= 0) return;
          } else if (ended) return;
          else await wait(signal);
        }
      } finally {
        followers.delete(follower);
      }
    },
    tail: (count) =>
      lines()
        .slice(-count)
        .map((line) => Buffer.from(line.split(' ').slice(3).join(' '), 'latin1').toString())
        .join('\n'),
    remove() {
      ended = true;
      closeSync(fd);
      for (let index = 1; index < LOG_FILES_KEPT; index++) rmSync(older(index), { force: true });
      rmSync(file, { force: true });
      for (const wake of wakers) wake();
    },
  };

  function wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

/**
 * Programs that run beside each other, for `npm test`: each line of what they print has the name of its lane before it, so that what
 * belongs together can be read. When the run is interrupted all of them are ended, with everything that they have started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** In the environment of everything that belongs to this run: what left its parents behind is found by it. */
const MARK = 'TELEPRESENCE_TEST_RUN';
const run = randomUUID();
/** A run inside a run belongs to both. */
const mark = [process.env[MARK], run].filter((one) => one !== undefined).join('+');
const children = new Set<ChildProcess>();

export interface Program {
  command: string;
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Of two that want the processor the nicer one waits; 0 is what everything has. */
  niceness?: number;
}

function printLines(lane: string, from: Readable): Promise<void> {
  return new Promise((resolve) => {
    createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY })
      .on('line', (line) => process.stdout.write(`${lane} | ${line}\n`))
      .on('close', resolve);
  });
}

/** Runs it to its end. @returns exit code */
export async function runInLane(lane: string, { command, args, cwd, env, niceness = 0 }: Program): Promise<number> {
  const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn('nice', ['-n', String(niceness), command, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...colours, ...env, [MARK]: mark },
  });
  children.add(child);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
  try {
    const printed = [printLines(lane, child.stdout), printLines(lane, child.stderr)];
    const code = await ended;
    // something that outlives its parent may hold the pipe: what the parent has printed has been read by then
    await Promise.race([Promise.all(printed), new Promise((resolve) => setTimeout(resolve, 2_000))]);
    return code;
  } finally {
    children.delete(child);
  }
}

/** Pids of everything that has the mark in its environment, but for this process. */
function marked(): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'latin1').includes(run)) found.push(pid);
    } catch (error) {
      // it has ended meanwhile, or is somebody else's
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EACCES' && code !== 'EPERM') throw error;
    }
  }
  return found;
}

/** Ends all that runs, at once. What a namespace holds ends with its first process. */
export function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
  // what is found may start something until it is ended itself
  for (let left = marked(), turns = 0; left.length > 0 && turns < 20; left = marked(), turns++)
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
}

/** From now on an interruption ends everything, and then this process. */
export function endAllWhenInterrupted(): void {
  // it may come again meanwhile, from a terminal and from npm: without a listener that would end this process before the others
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      endAll();
      process.exit(128 + constants.signals[signal]);
    });
}

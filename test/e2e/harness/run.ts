/** Running commands for tests: argv arrays, captured output, a time limit, and no process left behind. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions extends Pick<SpawnOptions, 'cwd' | 'env'> {
  input?: string;
  /** Milliseconds until it is killed; default a minute. */
  timeoutMs?: number;
}

/** Runs to the end. Never rejects for an exit code: tests look at it. */
export function run(command: string, args: readonly string[], { input, timeoutMs = 60_000, ...options }: RunOptions = {}): Promise<Finished> {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    // a daemon may inherit the pipes: the command is over when it exits, not when they close
    child.once('exit', (code) => {
      clearTimeout(late);
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
      }, 30);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Runs and expects exit code 0. @returns stdout */
export async function ok(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** A process that goes on beside the test; disposing of it kills it. */
export function background(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess & AsyncDisposable & { output: () => string } {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return Object.assign(child, {
    output: () => text,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  });
}

/** Calls `look` until it returns something; fails with `what` after `timeoutMs`. @param everyMs longer where many look at once: each kubectl takes its time of the machine */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>, timeoutMs = 30_000, everyMs = 100): Promise<T> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms; last: ${last instanceof Error ? last.message : String(last)}`);
}

/** Where a sandbox keeps what the outside needs: its images, its log, the kubeconfig, and who it is. */
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, codeOf } from '../../base/errors.ts';

/** Written and read by one program of one version: no schema, which would be a good part of what it loads. */
export interface RunningState {
  /** Of the supervisor, outside. */
  pid: number;
  /** Of process 1 of the sandbox's pid namespace, as the outside counts. */
  init: number;
  port: number;
  /** It runs in a user namespace. */
  user: boolean;
}

export function sandboxFolder(env: Readonly<Record<string, string | undefined>>): string {
  const own = env['TELEPRESENCE_SANDBOX'];
  if (own?.startsWith('/') === true) return own;
  const state = env['XDG_STATE_HOME'];
  return join(state?.startsWith('/') === true ? state : join(env['HOME'] ?? '/', '.local/state'), 'telepresence/sandbox');
}

export const files = (folder: string) => ({
  state: join(folder, 'running.json'),
  log: join(folder, 'sandbox.log'),
  /** Of the sandbox before: it may tell why that one ended. */
  logBefore: join(folder, 'sandbox.log.1'),
  control: join(folder, 'control.sock'),
  api: join(folder, 'api.sock'),
  kubeconfig: join(folder, 'kubeconfig'),
  inside: join(folder, 'workstation.kubeconfig'),
  resolvConf: join(folder, 'resolv.conf'),
});

/** All at once: others look for it again and again while it starts. */
export async function writeState(folder: string, state: RunningState): Promise<void> {
  const { state: file } = files(folder);
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, JSON.stringify(state), { mode: 0o600 });
  await rename(fresh, file);
}

/** Undefined when none runs. */
export async function runningState(folder: string): Promise<RunningState | undefined> {
  try {
    const state = JSON.parse(await readFile(files(folder).state, 'utf8')) as RunningState;
    return alive(state.pid) ? state : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws TP-SANDBOX-NOT-RUNNING */
export async function requireRunning(folder: string): Promise<RunningState> {
  const state = await runningState(folder);
  if (state === undefined) throw new CodedError('TP-SANDBOX-NOT-RUNNING', 'The sandbox is not running.');
  return state;
}

/** At once. One that has ended meanwhile is no failure. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** One that has ended but whom nobody has waited for is not. */
export function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

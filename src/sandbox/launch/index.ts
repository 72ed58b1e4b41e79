/** The sandbox from outside: `up`, `down`, `status`, `kubeconfig`, `workstation`, `image`, `user`. */
import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError, codeOf } from '../../base/errors.ts';
import { sleep } from '../../base/retry.ts';
import { INSIDE_SERVER } from './addresses.ts';
import { callControl } from './control.ts';
import type { Host } from './host.ts';
import { END_POLL_MS, END_TIMEOUT_MS, START_TIMEOUT_MS } from './limits.ts';
import { alive, files, kill, requireRunning, runningState, sandboxFolder } from './state.ts';
import { supervise } from './supervise.ts';
import { type UpOptions, upOptions } from './up-options.ts';
import { onWorkstation } from './workstation.ts';

const USAGE = `sandbox up [--port N] [--nodes N] [--ingress] [--state DIR] [--audit FILE] | down [--wipe] | status | kubeconfig
sandbox workstation [--name NAME] COMMAND…
sandbox image [--if-missing] --load TAR | REF DIR -- COMMAND… | REF FILE /PATH
sandbox user [--inside] NAME [GROUP…]
`;

/** @returns the exit code. */
export async function launch([command = '', ...args]: string[], host: Host): Promise<number> {
  const { process } = host;
  const folder = sandboxFolder(process.env);
  const print = (text: string): number => {
    process.stdout.write(`${text}\n`);
    return 0;
  };
  switch (command) {
    case 'up':
      await upWith(folder, upOptions(args, process.cwd()), host);
      return print(`export KUBECONFIG=${files(folder).kubeconfig}`);
    case 'down': {
      const { values } = parseArgs({ args, options: { wipe: { type: 'boolean', default: false } } });
      await down(folder);
      if (values.wipe) await rm(folder, { recursive: true, force: true });
      return 0;
    }
    case 'status': {
      const state = await runningState(folder);
      return print(state === undefined ? 'not running' : `running (pid ${state.pid}), https://127.0.0.1:${state.port}`);
    }
    case 'kubeconfig':
      await requireRunning(folder);
      return print((await readFile(files(folder).kubeconfig, 'utf8')).trimEnd());
    case 'workstation': {
      const named = args[0] === '--name';
      const [name, rest] = named ? [args[1] ?? '', args.slice(2)] : ['dev1', args];
      if (rest.length === 0) throw new CodedError('TP-USAGE', 'workstation: name a command.');
      return onWorkstation(folder, name, rest, host);
    }
    case 'image':
      await (await import('./image.ts')).image(folder, args, USAGE);
      return 0;
    case 'user': {
      const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { inside: { type: 'boolean', default: false } } });
      const [user, ...groups] = positionals;
      if (user === undefined) throw new CodedError('TP-USAGE', 'user: say a name.');
      const { port } = await requireRunning(folder);
      const server = values.inside ? INSIDE_SERVER : `https://127.0.0.1:${port}`;
      return print((await callControl(files(folder).control, 'kubeconfig', { server, user, groups })).trimEnd());
    }
    case 'supervise':
      return supervise(folder, JSON.parse(args[0] ?? '{}') as UpOptions, host);
    case 'inside':
      return (await import('./inside.ts')).runInside(folder, JSON.parse(args[0] ?? '{}') as UpOptions, host);
    default:
      throw new CodedError('TP-USAGE', USAGE.trimEnd());
  }
}

/** One that runs already gets what it was not started with. */
async function upWith(folder: string, options: UpOptions, host: Host): Promise<void> {
  await up(folder, options, host);
  if (options.ingress) await callControl(files(folder).control, 'ingress', {});
}

async function up(folder: string, options: UpOptions, { process, program }: Host): Promise<void> {
  if ((await runningState(folder)) !== undefined) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths = files(folder);
  await rename(paths.log, paths.logBefore).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  const log = await open(paths.log, 'w', 0o600);
  const child = spawn(process.execPath, [...process.execArgv, program, 'supervise', JSON.stringify(options)], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    // compiled once, since three programs of it start one after the other
    env: { ...process.env, TELEPRESENCE_SANDBOX: folder, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(folder, 'compile-cache') },
    cwd: '/',
  });
  await log.close();
  let dead = false;
  child.once('error', () => (dead = true));
  child.once('exit', () => (dead = true));
  // it has a session of its own: whoever gives up waiting tells it
  const giveUp = (signal: NodeJS.Signals): void => {
    child.kill('SIGTERM');
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, giveUp);
  // it goes on without whoever started it
  child.unref();
  const deadline = Date.now() + START_TIMEOUT_MS;
  while ((await runningState(folder)) === undefined) {
    if (dead || Date.now() > deadline) {
      child.kill('SIGKILL');
      const tail = (await readFile(paths.log, 'utf8')).trimEnd().split('\n').slice(-10);
      throw new CodedError('TP-SANDBOX-START', `The sandbox did not start. The end of ${paths.log}:\n${tail.map((line) => `  ${line}`).join('\n')}`);
    }
    await sleep(END_POLL_MS);
  }
}

async function down(folder: string): Promise<void> {
  const state = await runningState(folder);
  if (state === undefined) return;
  const deadline = Date.now() + END_TIMEOUT_MS;
  // not waited for: one that is too busy to answer ends at the deadline
  callControl(files(folder).control, 'stop', {}).catch(() => kill(state.pid));
  while (alive(state.pid)) {
    if (Date.now() > deadline) kill(state.pid);
    await sleep(END_POLL_MS);
  }
}

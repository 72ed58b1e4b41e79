/** Starts the daemon and netd where they are not there yet. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import { MALLOC_ENV, NODE_FLAGS } from '../base/node-flags.ts';
import { sleep } from '../base/retry.ts';
import { VERSION } from '../base/version.ts';
import { ensureClientDirs } from '../config/paths.ts';
import type { Context } from './command.ts';

/** A daemon whose socket does not answer after this long has failed. */
export const DAEMON_START_TIMEOUT_MS = 10_000;
const DAEMON_POLL_MS = 15;
/** How much of a log is shown when its program died. */
export const LOG_TAIL_LINES = 10;

/** Makes sure that the daemon answers. `onLaunch` is called before one is started; resolves with whether the one that answers was started here. */
export async function ensureDaemon(context: Context, onLaunch?: () => void): Promise<boolean> {
  if (await answers(context)) return false;
  onLaunch?.();
  await ensureClientDirs(context.paths, context.io.uid);
  const logFile = join(context.paths.logDir, 'daemon.log');
  const { child, death } = await spawnDetached(context, [...NODE_FLAGS, context.io.program('daemon')], logFile);
  child.unref();
  try {
    return await awaitDaemon(context, death, logFile);
  } catch (error) {
    child.kill();
    throw error;
  }
}

async function awaitDaemon(context: Context, death: Death, logFile: string): Promise<boolean> {
  const deadline = Date.now() + DAEMON_START_TIMEOUT_MS;
  for (;;) {
    const dead = death.reason;
    // Two that connect at once start two daemons, of which one steps back: then the other answers.
    if (existsSync(context.paths.daemonSocket) && (await answers(context))) return dead === undefined;
    if (dead !== undefined) throw await startError('The daemon', dead, logFile);
    if (Date.now() > deadline) throw await startError('The daemon', `it did not answer within ${DAEMON_START_TIMEOUT_MS / 1000} s`, logFile);
    await sleep(DAEMON_POLL_MS, context.signal);
  }
}

/** Whether a daemon answers; one of another version is named, since it may not know what it is asked. */
async function answers(context: Context): Promise<boolean> {
  try {
    const { daemon } = await context.call('version', {});
    if (daemon !== VERSION) context.output.warn(`the running daemon has version ${daemon}, this command ${VERSION}; \`telepresence quit -s\` ends it.`);
    return true;
  } catch (error) {
    if (codeOf(error) === 'TP-DAEMON-NOT-RUNNING') return false;
    throw error;
  }
}

export interface StartedNetd {
  /** Aborted when netd dies before `stop` is called; the reason is the error that says so. */
  died: AbortSignal;
  stop(): void;
}

/**
 * Starts the privileged part, if the daemon wants it: directly as root, else through sudo, which asks in the terminal.
 * `onLaunch` is called before anything is started or asked.
 */
export async function ensureNetd(context: Context, onLaunch: () => void): Promise<StartedNetd | undefined> {
  const { needed, socket, logFile } = await context.call('netdNeeded', {});
  if (!needed) return undefined;
  onLaunch();
  const command = [context.io.execPath, ...NODE_FLAGS, context.io.program('netd'), '--socket', socket];
  if (context.io.uid !== 0) {
    await startBySudo(context, command, logFile);
    return undefined;
  }
  const { child, death } = await spawnDetached(context, command.slice(1), logFile);
  child.unref();
  const died = new AbortController();
  let stopped = false;
  void death.happened.then((reason) => {
    const abort = (error: unknown) => died.abort(error);
    // Exit code 0: the daemon let it go, because connecting failed; the daemon's own answer says why.
    if (!stopped && child.exitCode !== 0) startError('netd', reason, logFile, 'TP-NETD-FAILED').then(abort, abort);
  });
  return {
    died: died.signal,
    stop: () => {
      stopped = true;
    },
  };
}

async function startBySudo(context: Context, command: string[], logFile: string): Promise<void> {
  const { io } = context;
  const silent = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', env: io.env });
  if (codeOf(silent.error) === 'ENOENT')
    throw new CodedError('TP-ROOT-NEEDED', 'The network device, routes and DNS of this workstation can only be set up by root, and there is no sudo.', {
      help: 'Run the command as root.',
    });
  if (silent.error !== undefined) throw new CodedError('TP-ROOT-NEEDED', `sudo can't be run: ${silent.error.message}.`, { cause: silent.error });
  if (silent.status !== 0) {
    if (io.stdin.isTTY !== true)
      throw new CodedError(
        'TP-ROOT-NEEDED',
        'The network device, routes and DNS of this workstation can only be set up by root, and sudo has no terminal to ask for a password in.',
      );
    io.stderr.write('Telepresence needs root once, to set up a network device, routes and DNS for the cluster; sudo asks for your password.\n');
  }
  // The log is made here so that it belongs to the user; the shell appends to it and lets go, so that sudo ends at once.
  await (await open(logFile, 'a', 0o600)).close();
  const script = 'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 &';
  const child = spawn('sudo', ['--', 'sh', '-c', script, 'sh', logFile, ...command], { stdio: 'inherit', env: io.env, cwd: '/' });
  const stop = () => child.kill('SIGTERM');
  context.signal.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  context.signal.removeEventListener('abort', stop);
  context.signal.throwIfAborted();
  if (code !== 0) throw new CodedError('TP-ROOT-NEEDED', `sudo refused to start netd (exit code ${code}).`);
}

interface Death {
  /** Why, once it has happened. */
  reason: string | undefined;
  /** Never rejects. */
  happened: Promise<string>;
}

/**
 * Its folder is / so that it keeps no file system busy. The compile cache halves its start; what sudo starts gets none, since root
 * must not run code from a folder that a user can write to.
 */
async function spawnDetached(context: Context, args: string[], logFile: string): Promise<{ child: ChildProcess; death: Death }> {
  const log = await open(logFile, 'a', 0o600);
  try {
    const env = { ...MALLOC_ENV, NODE_COMPILE_CACHE: join(context.paths.cacheDir, 'compile-cache'), ...context.io.env };
    const child = spawn(context.io.execPath, args, { detached: true, stdio: ['ignore', log.fd, log.fd], env, cwd: '/' });
    return { child, death: deathOf(child) };
  } finally {
    await log.close();
  }
}

function deathOf(child: ChildProcess): Death {
  const death: Death = {
    reason: undefined,
    happened: new Promise((resolve) => {
      const die = (reason: string) => {
        death.reason = reason;
        resolve(reason);
      };
      child.once('error', (error) => die(messageOf(error)));
      child.once('exit', (code, signal) => die(`it ended with ${signal ?? `exit code ${code}`}`));
    }),
  };
  return death;
}

async function startError(what: string, reason: string, logFile: string, code: 'TP-DAEMON-START' | 'TP-NETD-FAILED' = 'TP-DAEMON-START'): Promise<CodedError> {
  return new CodedError(code, `${what} did not start: ${reason}. The end of ${logFile}:\n${await tail(logFile)}`);
}

async function tail(file: string): Promise<string> {
  try {
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    return lines
      .slice(-LOG_TAIL_LINES)
      .map((line) => `  ${line}`)
      .join('\n');
  } catch (error) {
    return `  (not readable: ${messageOf(error)})`;
  }
}

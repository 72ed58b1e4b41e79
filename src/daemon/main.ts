/**
 * The daemon: everything on the workstation that needs thought and no privilege. Serves the CLI on a unix socket, holds the
 * session, and ends by `quit -s`, by SIGTERM, or by itself when it has long had nothing to do.
 */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { giveBackWhenIdle } from '../base/idle-memory.ts';
import type { Log, LogLevel } from '../base/log.ts';
import { VERSION } from '../base/version.ts';
import { readConfigFile, resolveConfig } from '../config/index.ts';
import { type ClientPaths, ensureClientDirs } from '../config/paths.ts';
import type { DaemonApi } from '../protocol/daemon-api.ts';
import { serveApi } from '../rpc/unix-http.ts';
import { createHandlers } from './api.ts';
import type { CallContext, DaemonContext } from './context.ts';
import { Daemon } from './daemon.ts';

/** Not connected and not called for this long: nothing is lost by ending. */
export const IDLE_EXIT_MS = 10 * 60_000;

export interface DaemonOptions {
  log: Log;
  paths: ClientPaths;
  uid: number;
  executable: string;
  /** Aborted by SIGTERM and SIGINT. */
  signal: AbortSignal;
}

async function readInstallId(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const id = randomUUID();
  await writeFile(file, `${id}\n`, { mode: 0o600 });
  return id;
}

/** Runs until it is told to end; then the workstation is as it was. @throws TP-DAEMON-START when another daemon answers on the socket. */
export async function main({ log, paths, uid, executable, signal }: DaemonOptions): Promise<void> {
  await ensureClientDirs(paths, uid);
  const { userDaemon: level } = resolveConfig([await readConfigFile(paths.configFile)]).logLevels;
  const installId = await readInstallId(paths.installIdFile);
  log.setLevel(level);
  let levelTimer: NodeJS.Timeout | undefined;
  const ctx: DaemonContext = {
    log,
    paths,
    installId,
    setLogLevel(wanted: LogLevel, durationMs: number) {
      clearTimeout(levelTimer);
      log.setLevel(wanted);
      if (durationMs > 0) levelTimer = setTimeout(() => log.setLevel(level), durationMs).unref();
    },
  };
  const daemon = new Daemon(ctx);
  const done = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => done.resolve(), { once: true });
  const idle = setTimeout(() => (daemon.connected === undefined ? done.resolve() : idle.refresh()), IDLE_EXIT_MS);
  const handlers = createHandlers(daemon, executable, () => setImmediate(() => done.resolve()));
  const watched = Object.fromEntries(
    Object.entries(handlers).map(([method, handler]) => [
      method,
      async (params: unknown, call: CallContext) => {
        idle.refresh();
        log.debug('call', { method });
        return handler(params, call);
      },
    ]),
  ) as typeof handlers;
  const server = await serveApi<DaemonApi>(paths.daemonSocket, watched, { log });
  const stopGivingBack = giveBackWhenIdle();
  log.info('daemon is up', { version: VERSION, pid: process.pid });
  try {
    await done.promise;
  } finally {
    clearTimeout(idle);
    clearTimeout(levelTimer);
    stopGivingBack();
    await daemon.disconnect();
    await server.close();
    log.info('daemon ended');
  }
}

/** Calls of the daemon's API with what the user sees of them: progress, warnings, and which connection is meant. */
import { existsSync } from 'node:fs';
import { CodedError } from '../base/errors.ts';
import type { DaemonApi, DaemonMethod } from '../protocol/daemon-api.ts';
import type { Output, TextSink } from './output.ts';
import { createProgress, type ProgressMode } from './progress.ts';

export interface CallOptions {
  signal: AbortSignal;
  progress: ProgressMode;
  /** --use: the connection's name must match. */
  use: string | undefined;
  output: Output;
  stderr: TextSink;
}

/** Methods that concern a connection, and so are subject to --use. */
const CONNECTION_METHODS: ReadonlySet<DaemonMethod> = new Set<DaemonMethod>([
  'disconnect',
  'list',
  'intercept',
  'leave',
  'previewCreate',
  'previewRemove',
  'ingressGuess',
  'uninstall',
  'loglevel',
  'gatherLogs',
]);

export async function callDaemon<M extends DaemonMethod>(
  socketPath: string,
  method: M,
  params: DaemonApi[M]['params'],
  options: CallOptions,
): Promise<DaemonApi[M]['result']> {
  if (!existsSync(socketPath)) throw new CodedError('TP-DAEMON-NOT-RUNNING', 'The telepresence daemon is not running.');
  const { callApi } = await import('../rpc/unix-http.ts');
  if (options.use !== undefined && CONNECTION_METHODS.has(method)) {
    checkUse(options.use, await callApi(socketPath, 'status', {}, { signal: options.signal }));
  }
  const progress = createProgress(options.progress, options.stderr);
  try {
    return await callApi(socketPath, method, params, {
      signal: options.signal,
      onProgress: (text: string) => progress.show(text),
      onWarning: (text: string) => options.output.warn(text),
    });
  } finally {
    progress.done();
  }
}

/** Connections are named `<context>-<namespace>` unless `connect --name` said otherwise. */
export function connectionName(daemon: DaemonApi['status']['result']['daemon']): string | undefined {
  if (daemon.context === undefined) return undefined;
  return daemon.name ?? `${daemon.context}-${daemon.namespace ?? 'default'}`;
}

function checkUse(use: string, status: DaemonApi['status']['result']): void {
  let pattern: RegExp;
  try {
    pattern = new RegExp(use);
  } catch (error) {
    throw new CodedError('TP-USAGE', `--use ${use} is not a regular expression.`, { cause: error });
  }
  const name = connectionName(status.daemon);
  if (name === undefined) throw new CodedError('TP-NOT-CONNECTED', 'There is no connection.');
  if (!pattern.test(name)) throw new CodedError('TP-USAGE', `No connection matches --use ${use}; the one there is is called ${name}.`);
}

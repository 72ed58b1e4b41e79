/** The daemon's API (src/protocol/daemon-api.ts): the client's end is {@link callApi}, the server's is in unix-http-server.ts. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import { request } from '../base/node-http.ts';
import type { DaemonApi } from '../protocol/daemon-api.ts';
import { RPC_LINE_LIMIT } from './limits.ts';
import { createLineSplitter } from './lines.ts';
import { parseError } from './message.ts';

export { type ApiHandler, type ApiHandlers, type ApiServer, serveApi } from './unix-http-server.ts';

export interface CallOptions {
  signal?: AbortSignal;
  onProgress?: (text: string) => void;
  onWarning?: (text: string) => void;
}

/**
 * Calls one method. Rejects with the server's CodedError; with TP-DAEMON-NOT-RUNNING when nobody listens on the socket; with
 * TP-CANCELLED when `signal` aborts, which also cancels the call there.
 */
export function callApi<M extends keyof DaemonApi>(
  socketPath: string,
  method: M,
  params: DaemonApi[M]['params'],
  options: CallOptions = {},
): Promise<DaemonApi[M]['result']> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled(signal));
    const body = Buffer.from(JSON.stringify(params));
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const call = request({ socketPath, path: `/v1/${method}`, method: 'POST', headers, agent: false });
    const onAbort = () => call.destroy(signal === undefined ? undefined : cancelled(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    call.on('close', () => signal?.removeEventListener('abort', onAbort));
    call.on('error', (error) => reject(callError(error)));
    call.on('response', (response) => readAnswer(call, response, method, options, resolve as (result: unknown) => void, reject));
    call.end(body);
  });
}

function readAnswer(
  call: ClientRequest,
  response: IncomingMessage,
  method: string,
  options: CallOptions,
  resolve: (result: unknown) => void,
  reject: (error: unknown) => void,
): void {
  const lines = createLineSplitter(RPC_LINE_LIMIT, (line) => {
    const answer = JSON.parse(line) as Record<string, unknown>;
    if (typeof answer['progress'] === 'string') options.onProgress?.(answer['progress']);
    else if (typeof answer['warning'] === 'string') options.onWarning?.(answer['warning']);
    else if (answer['error'] !== undefined) reject(parseError(answer['error']));
    else if ('result' in answer) resolve(answer['result']);
  });
  response.on('data', (chunk: Buffer) => {
    try {
      lines.push(chunk);
    } catch (error) {
      call.destroy(new CodedError('TP-INTERNAL', `The daemon's answer to ${method} could not be read: ${messageOf(error)}`, { cause: error }));
    }
  });
  response.on('error', (error) => reject(callError(error)));
  // Comes after a result or an error was settled with; then it changes nothing.
  response.on('close', () => reject(new CodedError('TP-DAEMON-NOT-RUNNING', `The daemon ended before it answered ${method}.`)));
}

function cancelled(signal: AbortSignal): CodedError {
  return signal.reason instanceof CodedError ? signal.reason : new CodedError('TP-CANCELLED', 'Cancelled.');
}

function callError(error: Error): CodedError {
  if (error instanceof CodedError) return error;
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return new CodedError('TP-DAEMON-NOT-RUNNING', 'The daemon is not running.', { cause: error });
  if (code === 'EACCES') return new CodedError('TP-DAEMON-NOT-RUNNING', 'The daemon of another user can not be used.', { cause: error });
  return new CodedError('TP-DAEMON-NOT-RUNNING', `The connection to the daemon was lost: ${error.message}`, { cause: error });
}

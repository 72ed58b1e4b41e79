/** One watch connection: lines of JSON until the server, the signal or silence ends it. */

import { CodedError } from '../base/errors.ts';
import type { WatchEvent, WatchOptions } from './contract.ts';
import { KUBE_REQUEST_TIMEOUT_MS, KUBE_WATCH_IDLE_MS, KUBE_WATCH_LINE_LIMIT, KUBE_WATCH_TIMEOUT_S } from './limits.ts';
import { withQuery } from './paths.ts';
import { errorOfNetwork, errorOfStatus, isStatus, timeoutError } from './status-error.ts';
import type { Transport } from './transport.ts';

/**
 * Ends when the server closes, and when nothing came for `idleMs`: the connection may be dead, or nothing has changed (an API server sends no
 * bookmark that is not newer than the version where the watch began). Going on from the last version is right in both cases, and tells them
 * apart: what is dead gives no answer. Throws when there is no answer at first, on errors, and on ERROR events (a Status; 410 means: list again).
 */
export async function* watch<T>(transport: Transport, path: string, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, void> {
  const idleMs = options.idleMs ?? KUBE_WATCH_IDLE_MS;
  const controller = new AbortController();
  const context = { method: 'WATCH', path, server: transport.server };
  const stop = () => controller.abort(options.signal?.reason);
  if (options.signal?.aborted) stop();
  else options.signal?.addEventListener('abort', stop, { once: true });
  let silent = false;
  const silence = () =>
    setTimeout(() => {
      silent = true;
      controller.abort();
    }, idleMs);
  const answerMs = Math.min(idleMs, KUBE_REQUEST_TIMEOUT_MS);
  let timer = setTimeout(() => controller.abort(timeoutError(context, answerMs)), answerMs);
  try {
    // Spread, so that not all watches of a restarted server end together.
    const seconds = Math.round(KUBE_WATCH_TIMEOUT_S * (1 + Math.random()));
    const answer = await transport.open({
      method: 'GET',
      path: withQuery(path, {
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion: options.resourceVersion,
        timeoutSeconds: String(seconds),
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      }),
      headers: { accept: 'application/json' },
      signal: controller.signal,
    });
    // A watch may be silent for longer than an idle pooled connection.
    answer.socket.setTimeout(0);
    clearTimeout(timer);
    timer = silence();
    let parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        parts.push(chunk.subarray(start, end));
        start = end + 1;
        const line = Buffer.concat(parts).toString('utf8');
        parts = [];
        size = 0;
        if (line.trim() !== '') yield parseEvent<T>(line, context);
      }
      if (start < chunk.length) parts.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > KUBE_WATCH_LINE_LIMIT) throw new CodedError('TP-KUBE-API', `WATCH ${path}: one event is longer than ${KUBE_WATCH_LINE_LIMIT} bytes.`);
      timer = silence();
    }
  } catch (error) {
    if (silent) return;
    if (controller.signal.aborted) throw controller.signal.reason;
    throw errorOfNetwork(error, transport);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
    controller.abort();
  }
}

function parseEvent<T>(line: string, context: { method: string; path: string; server: string }): WatchEvent<T> {
  let event: { type: string; object: unknown };
  try {
    event = JSON.parse(line) as { type: string; object: unknown };
  } catch (error) {
    throw new CodedError('TP-KUBE-API', `WATCH ${context.path}: an event is not JSON.`, { cause: error });
  }
  if (event.type === 'ERROR')
    throw errorOfStatus(isStatus(event.object) ? event.object : { kind: 'Status', code: 500, message: 'the watch failed without a reason' }, context);
  return event as WatchEvent<T>;
}

/** The typed surface over the transport: requests, objects, reviews, upgrades. */

import { CodedError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { KubeConnection } from './connection.ts';
import type { CallOptions, KubeClient, KubeClientOptions, RequestOptions } from './contract.ts';
import { createInformer } from './informer.ts';
import { KUBE_REQUEST_TIMEOUT_MS } from './limits.ts';
import { createObjectCalls } from './object-calls.ts';
import { withQuery } from './paths.ts';
import { createReviews } from './reviews.ts';
import { timeoutError } from './status-error.ts';
import { createPodStreams } from './streams.ts';
import { createTransport, readBody } from './transport.ts';
import { watch } from './watch.ts';

/** Makes a client; connects with the first request. */
export function createKubeClient(connection: KubeConnection, options: KubeClientOptions): KubeClient {
  const transport = createTransport(connection, {
    log: options.log,
    userAgent: options.userAgent ?? `telepresence/${VERSION}`,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.interactive === undefined ? {} : { interactive: options.interactive }),
  });
  const defaultTimeout = connection.requestTimeoutMs ?? options.timeoutMs ?? KUBE_REQUEST_TIMEOUT_MS;

  /** Runs `work` with a signal that also fires at the time-out. */
  async function limited<T>(method: string, path: string, call: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeoutMs = call.timeoutMs ?? defaultTimeout;
    const controller = new AbortController();
    const timer =
      timeoutMs > 0 ? setTimeout(() => controller.abort(timeoutError({ method, path, server: connection.server }, timeoutMs)), timeoutMs) : undefined;
    const stop = () => controller.abort(call.signal?.reason);
    if (call.signal?.aborted) stop();
    else call.signal?.addEventListener('abort', stop, { once: true });
    try {
      return await work(controller.signal);
    } catch (error) {
      if (controller.signal.aborted && !call.signal?.aborted) transport.dropIdle();
      throw error;
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', stop);
    }
  }

  async function text(method: string, path: string, request: RequestOptions & { limit?: number; accept?: string }): Promise<string> {
    const body = request.body === undefined ? undefined : typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
    return limited(method, path, request, async (signal) => {
      const answer = await transport.open({
        method,
        path: withQuery(path, request.query),
        signal,
        headers: {
          accept: request.accept ?? 'application/json',
          ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      });
      return readBody(answer, { server: connection.server, limit: request.limit, signal });
    });
  }

  async function request<T>(method: string, path: string, call: RequestOptions = {}): Promise<T> {
    const answer = await text(method, path, call);
    try {
      return JSON.parse(answer) as T;
    } catch (error) {
      throw new CodedError('TP-KUBE-API', `${method} ${path}: the API server's answer is not JSON.`, { cause: error });
    }
  }

  const objects = createObjectCalls(request);
  const upgrade: KubeClient['upgrade'] = (path, call) =>
    limited('GET', path, call, (signal) =>
      transport.upgrade({ method: 'GET', path, headers: { accept: '*/*', ...call.headers, connection: 'Upgrade', upgrade: call.protocol }, signal }),
    );
  const rawText: KubeClient['text'] = (path, call = {}) => text('GET', path, { ...call, accept: '*/*' });

  const client: KubeClient = {
    server: connection.server,
    connection,
    ...objects,
    ...createReviews(request),
    watch: (path, call) => watch(transport, path, call),
    createInformer: (path, call) => createInformer(client, path, call),
    upgrade,
    text: rawText,
    ...createPodStreams({ upgrade, text: rawText }),
    close: () => transport.close(),
  };
  return client;
}

import { chmod, unlink } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { createServer } from '../base/node-http.ts';
import { API_BODY_LIMIT } from './limits.ts';

export interface ApiContext {
  /** Aborts when the caller went away. */
  signal: AbortSignal;
  /** Shown to the user at once. */
  progress(text: string): void;
  warning(text: string): void;
}

/** `params` came from outside: the handler parses it with the method's schema. */
export type ApiHandler<Result> = (params: unknown, context: ApiContext) => Promise<Result> | Result;
export type ApiHandlers<Api> = { [M in keyof Api]: Api[M] extends { result: infer Result } ? ApiHandler<Result> : never };

export interface ApiServer {
  /** Stops listening, aborts the calls that run, and waits for their answers to be written. */
  close(): Promise<void>;
}

/**
 * Serves an API on a unix socket that only this user may open (0600). A socket left by a dead server is replaced; throws
 * TP-DAEMON-START when a live one answers there.
 */
export async function serveApi<Api>(socketPath: string, handlers: ApiHandlers<Api>, options: { log: Log }): Promise<ApiServer> {
  const { log } = options;
  const table = new Map<string, ApiHandler<unknown>>(Object.entries(handlers));
  const running = new Set<AbortController>();
  const server = createServer((request, response) => {
    answer(request, response, table, running, log).catch((error: unknown) => {
      log.debug('a call ended without an answer', { error: messageOf(error) });
      response.destroy();
    });
  });
  await removeStale(socketPath);
  await listen(server, socketPath);
  return {
    async close() {
      for (const controller of running) controller.abort(new CodedError('TP-CANCELLED', 'The daemon is ending.'));
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  table: Map<string, ApiHandler<unknown>>,
  running: Set<AbortController>,
  log: Log,
): Promise<void> {
  const controller = new AbortController();
  running.add(controller);
  request.on('error', (error) => log.debug('a caller was lost', { error: error.message }));
  response.on('error', (error) => log.debug('a caller was lost', { error: error.message }));
  response.on('close', () => {
    if (!response.writableFinished) controller.abort(new CodedError('TP-CANCELLED', 'The caller went away.'));
  });
  const line = (value: unknown) => {
    if (!response.destroyed) response.write(`${JSON.stringify(value)}\n`);
  };
  response.setHeader('content-type', 'application/x-ndjson');
  response.setHeader('connection', 'close');
  const context: ApiContext = { signal: controller.signal, progress: (progress) => line({ progress }), warning: (warning) => line({ warning }) };
  const method = request.url?.startsWith('/v1/') === true ? request.url.slice('/v1/'.length) : '';
  try {
    const handler = request.method === 'POST' ? table.get(method) : undefined;
    if (handler === undefined) {
      response.statusCode = 404;
      throw new CodedError('TP-UNSUPPORTED', `The daemon doesn't know the call ${JSON.stringify(method.slice(0, 100))}; it may be of another version.`);
    }
    const params = await readBody(request);
    const result = await handler(params, context);
    line({ result: result ?? {} });
  } catch (error) {
    const coded = CodedError.from(error);
    if (coded.code === 'TP-INTERNAL') log.error('a call failed', { method, error: coded });
    line({ error: coded.toJSON() });
  } finally {
    running.delete(controller);
    response.end();
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > API_BODY_LIMIT) throw new CodedError('TP-USAGE', `The request is larger than ${API_BODY_LIMIT} bytes.`);
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new CodedError('TP-USAGE', `The request's body is no JSON: ${messageOf(error)}`, { cause: error });
  }
}

async function listen(server: Server, socketPath: string): Promise<void> {
  // The socket must never be open to others, not even between bind and chmod.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, () => {
        server.off('error', reject);
        resolve();
      });
      process.umask(before);
    });
  } catch (error) {
    throw new CodedError('TP-DAEMON-START', `The socket ${socketPath} can't be opened: ${messageOf(error)}`, { cause: error });
  } finally {
    process.umask(before);
  }
  await chmod(socketPath, 0o600);
}

async function removeStale(socketPath: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve, reject) => {
    const probe = connect(socketPath);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve(false);
      else reject(new CodedError('TP-DAEMON-START', `The socket ${socketPath} can't be used: ${error.message}`, { cause: error }));
    });
  });
  if (alive) throw new CodedError('TP-DAEMON-START', `Another daemon already listens on ${socketPath}.`);
  await unlink(socketPath).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

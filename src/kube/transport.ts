/**
 * HTTP/1.1 to one API server over pooled connections, with credentials that are renewed once when the server says 401.
 * Callers get either an open answer or a coded error.
 */
import type http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import * as nodeHttp from '../base/node-http.ts';
import { sleep } from '../base/retry.ts';
import type { KubeConnection } from './connection.ts';
import { type CredentialSource, type Credentials, createCredentials } from './credentials.ts';
import { type DialTarget, dial } from './dial.ts';
import {
  KUBE_BODY_LIMIT,
  KUBE_ERROR_BODY_LIMIT,
  KUBE_IDLE_SOCKET_MS,
  KUBE_MAX_FREE_SOCKETS,
  KUBE_RETRY_AFTER_MAX_MS,
  KUBE_RETRY_AFTER_TRIES,
} from './limits.ts';
import { errorOfNetwork, errorOfStatus, parseStatus, type RequestContext } from './status-error.ts';

export interface RawRequest {
  method: string;
  /** With its query. */
  path: string;
  body?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface UpgradeAnswer {
  socket: Duplex;
  headers: http.IncomingHttpHeaders;
  head: Buffer;
}

export interface Transport {
  readonly server: string;
  /** Sends; resolves with the head of a 2xx answer, whose body the caller must read. */
  open(request: RawRequest): Promise<http.IncomingMessage>;
  /** Sends on a connection of its own; resolves when the server switched protocols. */
  upgrade(request: RawRequest): Promise<UpgradeAnswer>;
  /** Closes idle connections: after a time-out they are likely dead. */
  dropIdle(): void;
  close(): void;
}

interface Lane {
  certificate: string | undefined;
  target: DialTarget;
  agent: http.Agent;
}

export function createTransport(
  connection: KubeConnection,
  options: { log: Log; env?: Record<string, string>; userAgent: string; interactive?: boolean },
): Transport {
  const server = new URL(connection.server);
  const base = server.pathname.replace(/\/+$/, '');
  const secure = server.protocol === 'https:';
  const credentials: CredentialSource = createCredentials(connection, options);
  let lane: Lane | undefined;
  let closed = false;

  /** Connections belong to a client certificate: another certificate, another pool. */
  function laneFor(given: Credentials): Lane {
    if (closed) throw new CodedError('TP-CANCELLED', 'The connection to the API server was closed.');
    if (lane !== undefined && lane.certificate === given.certificate) return lane;
    lane?.agent.destroy();
    const target: DialTarget = {
      server,
      proxyUrl: connection.proxyUrl,
      secureContext: secure ? secureContext(connection, given) : undefined,
      serverName: connection.tlsServerName,
      verify: !connection.insecureSkipTlsVerify,
      onSession: (session) => {
        target.session = session;
      },
    };
    const agent = new (secure ? https : nodeHttp).Agent({
      keepAlive: true,
      timeout: KUBE_IDLE_SOCKET_MS,
      maxFreeSockets: KUBE_MAX_FREE_SOCKETS,
      scheduling: 'lifo',
    });
    agent.createConnection = dialing(target);
    lane = { certificate: given.certificate, target, agent };
    return lane;
  }

  function requestOptions(given: Credentials, request: RawRequest): https.RequestOptions {
    const headers: http.OutgoingHttpHeaders = { 'user-agent': options.userAgent, ...given.headers, ...request.headers };
    if (request.body !== undefined) headers['content-length'] = Buffer.byteLength(request.body);
    return {
      method: request.method,
      protocol: server.protocol,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      path: base + request.path,
      headers,
      setHost: true,
    };
  }

  function send(given: Credentials, request: RawRequest): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      const { agent } = laneFor(given);
      const outgoing = (secure ? https : nodeHttp).request({
        ...requestOptions(given, request),
        agent,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      // Node tells of the abort only when the request has a socket; where the line is dead that takes as long as a dial may.
      const stop = () => reject(request.signal?.reason);
      request.signal?.addEventListener('abort', stop, { once: true });
      outgoing.once('close', () => request.signal?.removeEventListener('abort', stop));
      outgoing.on('response', resolve);
      outgoing.on('error', (error) => {
        if (request.signal?.aborted) return reject(request.signal.reason);
        // A pooled connection that the server had just closed: nothing was done, another connection will do it.
        if (outgoing.reusedSocket && repeatable(request) && ['ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '')) return resolve(send(given, request));
        reject(errorOfNetwork(error, { server: server.origin }));
      });
      outgoing.end(request.body);
    });
  }

  function sendUpgrade(given: Credentials, request: RawRequest): Promise<UpgradeAnswer | http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      const { target } = laneFor(given);
      const outgoing = (secure ? https : nodeHttp).request({
        ...requestOptions(given, request),
        createConnection: dialing(target, request.signal),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      outgoing.on('upgrade', (answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        socket.on('error', (error) => options.log.debug('upgraded connection failed', { path: request.path, error }));
        resolve({ socket, headers: answer.headers, head });
      });
      outgoing.on('response', (answer) => {
        // No pool takes this connection back; the answer forgets its socket before it closes.
        const { socket } = answer;
        answer.once('close', () => socket.destroy());
        resolve(answer);
      });
      outgoing.on('error', (error) => reject(request.signal?.aborted ? request.signal.reason : errorOfNetwork(error, { server: server.origin })));
      outgoing.end();
    });
  }

  /** Renews credentials once on 401, obeys Retry-After, turns what is not 2xx into errors. */
  async function withRetries<T extends { headers: http.IncomingHttpHeaders }>(
    request: RawRequest,
    attempt: (given: Credentials) => Promise<T | http.IncomingMessage>,
  ): Promise<T | http.IncomingMessage> {
    const context: RequestContext = { method: request.method, path: request.path, server: connection.server };
    let renewed = false;
    for (let tries = 0; ; tries++) {
      const given = await credentials.current(request.signal);
      const answer = await attempt(given);
      if (!(answer instanceof nodeHttp.IncomingMessage)) return answer;
      const code = answer.statusCode ?? 0;
      if (code >= 200 && code < 300) return answer;
      const body = await readBody(answer, { server: server.origin, limit: KUBE_ERROR_BODY_LIMIT, cut: true, signal: request.signal });
      if (code === 401 && !renewed && (await credentials.refresh(given, request.signal))) {
        renewed = true;
        continue;
      }
      const wait = retryAfter(answer, request);
      if (wait !== undefined && tries < KUBE_RETRY_AFTER_TRIES) {
        await sleep(wait, request.signal);
        continue;
      }
      throw errorOfStatus(parseStatus(code, body), context);
    }
  }

  return {
    server: connection.server,
    async open(request) {
      const answer = await withRetries(request, (given) => send(given, request));
      return answer;
    },
    async upgrade(request) {
      const answer = await withRetries(request, (given) => sendUpgrade(given, request));
      if (!(answer instanceof nodeHttp.IncomingMessage)) return answer;
      answer.destroy();
      throw new CodedError('TP-KUBE-API', `${request.method} ${request.path}: the connection was not upgraded, HTTP status ${answer.statusCode} came instead.`);
    },
    dropIdle() {
      for (const sockets of Object.values(lane?.agent.freeSockets ?? {})) for (const socket of sockets ?? []) socket.destroy();
    },
    close() {
      closed = true;
      lane?.agent.destroy();
      lane = undefined;
    },
  };
}

function dialing(target: DialTarget, signal?: AbortSignal): NonNullable<http.ClientRequestArgs['createConnection']> {
  return (_options, done) => {
    // Only the error counts where there is one; the type asks for a stream all the same.
    const failed = done as ((error: Error) => void) | undefined;
    dial(target, signal).then(
      (socket) => done?.(null, socket),
      (error: Error) => failed?.(error),
    );
    return undefined;
  };
}

function secureContext(connection: KubeConnection, given: Credentials): tls.SecureContext {
  try {
    return tls.createSecureContext({
      ...(connection.certificateAuthority === undefined ? {} : { ca: connection.certificateAuthority }),
      ...(given.certificate === undefined ? {} : { cert: given.certificate, key: given.key }),
      minVersion: 'TLSv1.2',
    });
  } catch (error) {
    throw new CodedError('TP-KUBE-BAD-CONFIG', `The certificates for the API server ${connection.server} can't be used: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Whether doing it twice is as doing it once. */
function repeatable(request: RawRequest): boolean {
  return request.method !== 'POST' && request.headers?.['content-type'] !== 'application/json-patch+json';
}

function retryAfter(answer: http.IncomingMessage, request: RawRequest): number | undefined {
  const code = answer.statusCode;
  if (code !== 429 && code !== 503) return undefined;
  // For an eviction 429 is the answer itself: a disruption budget forbids it now.
  if (request.path.split('?')[0]?.endsWith('/eviction') === true) return undefined;
  const seconds = Number(answer.headers['retry-after']);
  if (answer.headers['retry-after'] === undefined || !Number.isFinite(seconds) || seconds < 0) return undefined;
  return Math.min(seconds * 1000, KUBE_RETRY_AFTER_MAX_MS);
}

/** The body as text. Longer than `limit`: cut off where `cut` is set, else an error. */
export async function readBody(
  answer: http.IncomingMessage,
  options: { server: string; limit?: number | undefined; cut?: boolean; signal?: AbortSignal | undefined },
): Promise<string> {
  const limit = options.limit ?? KUBE_BODY_LIMIT;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limit) continue;
      if (options.cut === true) break;
      throw new CodedError('TP-KUBE-API', `The API server's answer is longer than ${limit} bytes.`);
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw errorOfNetwork(error, options);
  }
  return Buffer.concat(chunks).toString('utf8');
}

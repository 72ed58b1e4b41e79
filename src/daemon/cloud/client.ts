/** The cloud's JSON API. Errors name the cloud and never hold a token. */
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { z } from 'zod';
import { CodedError, messageOf } from '../../base/errors.ts';
import { Agent as HttpAgent, request as httpRequest } from '../../base/node-http.ts';
import { VERSION } from '../../base/version.ts';
import { apiErrorSchema } from '../../protocol/cloud.ts';
import { CLOUD_ANSWER_LIMIT, CLOUD_REQUEST_TIMEOUT_MS } from './limits.ts';

export interface CloudRequest {
  method?: 'GET' | 'POST' | 'DELETE';
  token?: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as a form instead. */
  form?: Record<string, string>;
  signal: AbortSignal;
}

export interface CloudClient {
  readonly url: string;
  /** @throws TP-CLOUD-UNREACHABLE, TP-NOT-LOGGED-IN (the token does not count any more), TP-CLOUD-REFUSED with the cloud's words. */
  call<T>(path: string, schema: z.ZodType<T>, request: CloudRequest): Promise<T>;
  /** The same where the answer does not matter. */
  send(path: string, request: CloudRequest): Promise<void>;
}

/** The address of a cloud, in one form for comparisons. @throws TP-CLOUD-URL */
export function cloudUrl(text: string): string {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw new CodedError('TP-CLOUD-URL', `${JSON.stringify(text)} is not the address of a cloud, such as https://cloud.example.com.`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new CodedError('TP-CLOUD-URL', 'The address of a cloud holds no name, password, query or fragment.');
  }
  return url.href.replace(/\/+$/, '');
}

interface Answer {
  status: number;
  text: string;
}

/** @param env the daemon's environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY count. */
export function createCloudClient(url: string, env: Readonly<Record<string, string>>): CloudClient {
  const base = new URL(url);
  const secure = base.protocol === 'https:';

  function exchange(path: string, { method = 'GET', token, body, form, signal }: CloudRequest): Promise<Answer> {
    const payload = form === undefined ? (body === undefined ? undefined : JSON.stringify(body)) : new URLSearchParams(form).toString();
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': `telepresence/${VERSION}` };
    if (payload !== undefined) {
      headers['content-type'] = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
      headers['content-length'] = String(Buffer.byteLength(payload));
    }
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const options = { method, headers, signal: AbortSignal.any([signal, AbortSignal.timeout(CLOUD_REQUEST_TIMEOUT_MS)]) };
    const target = `${url}${path}`;
    return new Promise((resolve, reject) => {
      // A private cloud's CA is in the system's store, or in NODE_EXTRA_CA_CERTS.
      const call = secure
        ? httpsRequest(target, { ...options, agent: new HttpsAgent({ proxyEnv: env }), ca: [...getCACertificates('default'), ...getCACertificates('system')] })
        : httpRequest(target, { ...options, agent: new HttpAgent({ proxyEnv: env }) });
      call.on('error', reject);
      call.on('response', (response) => readAnswer(response).then(resolve, reject));
      call.end(payload);
    });
  }

  async function answered(path: string, request: CloudRequest): Promise<string> {
    let answer: Answer;
    try {
      answer = await exchange(path, request);
    } catch (error) {
      request.signal.throwIfAborted();
      throw new CodedError('TP-CLOUD-UNREACHABLE', `The cloud ${url} can't be reached: ${messageOf(error)}.`, { cause: error });
    }
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    if (answer.status === 401 && request.token !== undefined) {
      throw new CodedError('TP-NOT-LOGGED-IN', `The login at ${url} does not count any more.`, { help: 'Run `telepresence login` again.' });
    }
    throw new CodedError('TP-CLOUD-REFUSED', `The cloud ${url} refused the request: ${reasonOf(answer)}.`);
  }

  return {
    url,
    async call(path, schema, request) {
      const text = await answered(path, request);
      try {
        return schema.parse(JSON.parse(text));
      } catch (error) {
        throw new CodedError('TP-CLOUD-REFUSED', `What answers at ${url} is not a cloud of this version.`, {
          help: 'Check the address; it is the one that the dashboard has in the browser.',
          cause: error,
        });
      }
    },
    async send(path, request) {
      await answered(path, request);
    },
  };
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > CLOUD_ANSWER_LIMIT) throw new Error(`its answer is longer than ${CLOUD_ANSWER_LIMIT} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
}

/** The cloud's own sentence (its API's, or OAuth's), else the status. */
function reasonOf({ status, text }: Answer): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return `status ${status}`;
  }
  const known = apiErrorSchema.safeParse(json);
  if (known.success) return known.data.error.message.replace(/\.$/, '');
  const description = typeof json === 'object' && json !== null && 'error_description' in json ? json.error_description : undefined;
  return typeof description === 'string' ? description.replace(/\.$/, '') : `status ${status}`;
}

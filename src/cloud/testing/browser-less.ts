/** An HTTP client for tests: raw headers both ways, any Host, one connection or a kept one. */
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

export interface Ask {
  port: number;
  host: string;
  path?: string;
  method?: string;
  headers?: Record<string, string | string[]> | string[];
  body?: string | Buffer;
  agent?: Agent;
}

export function open({ port, host, path = '/', method = 'GET', headers = {}, body, agent }: Ask): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const all = Array.isArray(headers) ? ['Host', host, ...headers] : { host, ...headers };
    const options: RequestOptions = { host: '127.0.0.1', port, path, method, headers: all, ...(agent === undefined ? {} : { agent }) };
    const sent = request(options, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}

export async function ask(what: Ask): Promise<Answer> {
  const response = await open(what);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, rawHeaders: response.rawHeaders, body: Buffer.concat(chunks).toString() };
}

/** The value of a cookie that an answer sets, as a Cookie header. */
export function cookieOf(answer: Pick<Answer, 'headers'>, name: string): string {
  const found = (answer.headers['set-cookie'] ?? [])
    .map((cookie) => cookie.split(';')[0] ?? '')
    .find((pair) => pair.replace('__Host-', '').startsWith(`${name}=`));
  if (found === undefined) throw new Error(`no cookie ${name}`);
  return found;
}

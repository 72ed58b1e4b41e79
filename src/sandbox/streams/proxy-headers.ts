/** The headers that a proxy passes on, and those it makes. */
import type { IncomingMessage } from 'node:http';

const HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Credentials are for the API server: a pod must not get to see them. */
const CREDENTIALS = new Set(['authorization']);
const IMPERSONATE = 'impersonate-';

/** Name and value, in turns, as `rawHeaders`. Without what is meant for the API server or for one hop alone. */
export function requestHeaders(request: IncomingMessage, { upgrade, host, path }: { upgrade: boolean; host: string; path: string }): string[] {
  const named = new Set((request.headers.connection ?? '').split(',').map((word) => word.trim().toLowerCase()));
  const headers: string[] = ['Host', host];
  const forwarded: string[] = [];
  const raw = request.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'x-forwarded-for') forwarded.push(value);
    else if (lower === 'host' || lower.startsWith(':') || lower === 'x-forwarded-uri' || lower.startsWith(IMPERSONATE) || CREDENTIALS.has(lower)) continue;
    else if (HOP.has(lower) || named.has(lower)) continue;
    else headers.push(name, value);
  }
  const client = request.socket.remoteAddress?.replace(/^::ffff:/, '');
  if (client !== undefined) forwarded.push(client);
  if (forwarded.length > 0) headers.push('X-Forwarded-For', forwarded.join(', '));
  if (upgrade) headers.push('Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? '');
  else {
    const original = request.headers.host;
    headers.push('X-Forwarded-Uri', path, ...(original === undefined ? [] : ['X-Forwarded-Host', original]), 'X-Forwarded-Proto', 'https');
    if (request.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked');
  }
  return headers;
}

/** Of an answer. A redirect within the pod is made one within the proxy: `/abc` → `…/proxy/abc`. */
export function responseHeaders(answer: IncomingMessage, prefix: string): string[] {
  const headers: string[] = [];
  const named = new Set((answer.headers.connection ?? '').split(',').map((word) => word.trim().toLowerCase()));
  const raw = answer.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const lower = name.toLowerCase();
    if (HOP.has(lower) || named.has(lower)) continue;
    const value = raw[index + 1] ?? '';
    const moved = lower === 'location' && value.startsWith('/') && !value.startsWith('//') && !value.startsWith(prefix);
    headers.push(name, moved ? `${prefix}${value}` : value);
  }
  return headers;
}

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { request as send } from '../base/node-http.ts';
import { PROOF_HEADER } from './http-routes.ts';

/** RFC 9113 8.2.2: what belongs to one connection and not to a message. */
const HOP_BY_HOP = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'http2-settings', 'te']);

/**
 * Sends an HTTP/2 stream on as one HTTP/1.1 request over a connection of its own: for a process that speaks no HTTP/2, as most servers of
 * developers. Trailers get lost: HTTP/1.1 clients rarely read them, and gRPC never comes this way. Resolves with whether anything came
 * back; the client's stream is untouched when nothing did.
 */
export async function forwardAsHttp1(
  client: ServerHttp2Stream,
  request: { headers: IncomingHttpHeaders; raw: string[]; final: boolean; proof: string | undefined },
  connection: Duplex,
): Promise<boolean> {
  const { headers, final } = request;
  let sent: ClientRequest;
  try {
    sent = send({ createConnection: () => connection, method: headers[':method'], path: headers[':path'], headers: requestHeaders(request) });
  } catch {
    // Node knows heads that it does not send.
    connection.destroy();
    return false;
  }
  const gone = (): void => void sent.destroy();
  client.once('close', gone);
  const answered = new Promise<IncomingMessage | undefined>((resolve) => {
    sent.on('error', () => resolve(undefined));
    sent.once('response', resolve);
    sent.once('close', () => resolve(undefined));
    sent.on('information', ({ statusCode, headers: informational }) => {
      if (!client.headersSent && !client.destroyed && statusCode !== 101) client.additionalHeaders({ ':status': statusCode, ...cleaned(informational) });
    });
  });
  // Not a pipeline: what fails on the way to the process must leave the client's stream whole, for an answer of our own.
  if (final) sent.end();
  else client.pipe(sent);
  try {
    const answer = await answered;
    if (answer === undefined || client.destroyed) return client.destroyed;
    const head: OutgoingHttpHeaders = { ':status': answer.statusCode, ...cleaned(answer.headers) };
    if (request.proof !== undefined) head[PROOF_HEADER] = request.proof.replace(/[^\x20-\x7e]/g, encodeURIComponent);
    client.respond(head);
    await pipeline(answer, client, { end: true }).catch(() => client.close(2));
    return true;
  } finally {
    client.off('close', gone);
    connection.destroy();
  }
}

/** As lines: names that repeat stay apart, cookies become one line (RFC 9113 8.2.3). */
function requestHeaders({ headers, raw, final }: { headers: IncomingHttpHeaders; raw: string[]; final: boolean }): string[] {
  const lines: string[] = [];
  const cookies: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i] as string, raw[i + 1] as string];
    if (name.startsWith(':') || HOP_BY_HOP.has(name)) continue;
    if (name === 'cookie') cookies.push(value);
    else lines.push(name, value);
  }
  if (headers['host'] === undefined) lines.unshift('host', headers[':authority'] ?? '');
  if (cookies.length > 0) lines.push('cookie', cookies.join('; '));
  if (!final && headers['content-length'] === undefined) lines.push('transfer-encoding', 'chunked');
  lines.push('connection', 'close');
  return lines;
}

function cleaned(headers: NodeJS.Dict<string | string[]>): OutgoingHttpHeaders {
  const named = (headers['connection'] ?? '')
    .toString()
    .toLowerCase()
    .split(/\s*,\s*/);
  // A header may well be called __proto__.
  const result: OutgoingHttpHeaders = Object.create(null);
  for (const [name, value] of Object.entries(headers)) if (!HOP_BY_HOP.has(name) && !named.includes(name)) result[name] = value;
  return result;
}

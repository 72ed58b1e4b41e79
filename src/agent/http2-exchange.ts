import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type Http2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from 'node:http2';
import { PROOF_HEADER } from './http-routes.ts';

export const HTTP2 = constants;

/** Whether a head ends its stream's direction. */
export function isFinal(flags: number): boolean {
  return (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
}

/**
 * Sends one stream on: head, body, trailers, informational heads and resets in both directions, with the flow control of each side
 * passed to the other. Resolves when it is over: undefined, or the error code when the server was lost before it answered: the
 * client's stream is untouched then.
 */
export function forwardStream(
  client: ServerHttp2Stream,
  session: ClientHttp2Session,
  request: { raw: string[]; flags: number; proof: string | undefined },
): Promise<number | undefined> {
  if (client.destroyed) return Promise.resolve(undefined);
  const final = isFinal(request.flags);
  let server: ClientHttp2Stream;
  try {
    server = session.request(request.raw, { endStream: final, waitForTrailers: !final });
  } catch {
    // The session ended meanwhile.
    return Promise.resolve(constants.NGHTTP2_REFUSED_STREAM);
  }
  return new Promise((resolve) => {
    let answered = false;
    server.on('error', () => {});
    if (!final) passBody(client, server);
    client.on('aborted', () => server.close(constants.NGHTTP2_CANCEL));
    client.once('close', () => {
      if (!server.closed) server.close(client.rstCode === constants.NGHTTP2_NO_ERROR ? constants.NGHTTP2_CANCEL : client.rstCode);
      resolve(undefined);
    });
    server.on('headers', (headers: IncomingHttpHeaders) => {
      if (!client.headersSent && !client.destroyed) client.additionalHeaders(headers);
    });
    server.once('response', (_headers: IncomingHttpHeaders, flags: number, raw: string[]) => {
      answered = true;
      if (client.destroyed) return;
      const head = request.proof === undefined ? raw : [...raw, PROOF_HEADER, request.proof.replace(/[^\x20-\x7e]/g, encodeURIComponent)];
      const ends = isFinal(flags);
      try {
        client.respond(head as unknown as OutgoingHttpHeaders, { endStream: ends, waitForTrailers: !ends, sendDate: false } as ServerStreamResponseOptions);
      } catch {
        // Node knows heads that it does not send.
        client.close(constants.NGHTTP2_INTERNAL_ERROR);
        return;
      }
      if (!ends) passBody(server, client);
    });
    server.once('close', () => {
      const clean = server.rstCode === constants.NGHTTP2_NO_ERROR;
      const code = clean ? constants.NGHTTP2_INTERNAL_ERROR : server.rstCode;
      if (!answered) resolve(code);
      else if (client.closed) return;
      else if (!clean || !client.writableEnded) client.close(code);
      else if (!client.readableEnded) finishEarly(client);
    });
  });
}

/** The answer is whole and the server reads no more of the request: so says RFC 9113 8.1. */
function finishEarly(client: ServerHttp2Stream): void {
  const stop = () => client.close(constants.NGHTTP2_NO_ERROR);
  if (client.writableFinished) stop();
  else client.once('finish', stop);
}

/** Body and trailers of one direction. */
function passBody(from: Http2Stream, to: Http2Stream): void {
  let trailers: OutgoingHttpHeaders = {};
  from.on('trailers', (headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    trailers = fromRaw(headers, raw);
  });
  to.on('wantTrailers', () => to.sendTrailers(trailers));
  from.on('data', (chunk: Buffer) => {
    if (to.destroyed || to.writableEnded) return;
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => {
    if (!to.destroyed) to.end();
  });
}

/** Every line of the trailers, also where names repeat. */
function fromRaw(headers: IncomingHttpHeaders, raw: string[]): OutgoingHttpHeaders {
  const lines = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) lines.set(raw[i] as string, [...(lines.get(raw[i] as string) ?? []), raw[i + 1] as string]);
  // A trailer may well be called __proto__.
  const result: OutgoingHttpHeaders = Object.create(null);
  for (const [name, values] of lines) result[name] = values;
  return raw.length > 0 ? result : headers;
}

/** An answer of our own: plain text, or for gRPC the status that its clients understand. */
export function refuseStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, status: number, text: string): void {
  if (stream.destroyed || stream.headersSent) return;
  if (headers['content-type']?.startsWith('application/grpc') === true) {
    // UNAVAILABLE and INVALID_ARGUMENT.
    const code = status === 400 ? '3' : '14';
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code, 'grpc-message': encodeURIComponent(text).replaceAll('%20', ' ') },
      { endStream: true },
    );
  } else {
    stream.respond({ ':status': status, 'content-type': 'text/plain; charset=utf-8' });
    stream.end(`${text}\n`);
  }
}

/** WebSockets and other upgrades: the head is mapped as any other, and from the 101 on the bytes are the browser's and the app's. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerResponse } from '../../base/node-http.ts';
import { type HeaderList, headerList } from '../../http/index.ts';
import { relay } from '../../tunnel/index.ts';
import { deliver, flat, overStream, type Passage } from './exchange.ts';
import { failureOf, failures, ResponseTimeout } from './failures.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import { PREVIEW_IDLE_MS, PREVIEW_RESPONSE_MS } from './limits.ts';
import { Watch } from './wire.ts';

export async function upgrade(req: IncomingMessage, res: ServerResponse, socket: Duplex, head: Buffer, passage: Passage): Promise<void> {
  const { mapping, header, forwardedFor, path } = passage;
  const protocol = req.headers.upgrade ?? '';
  // HTTP/2 inside a connection that was checked once would carry requests past every check.
  if (/(^|[,\s])h2c?\b/i.test(protocol)) return passage.fail(failures.refused('A preview does not upgrade to HTTP/2 in cleartext.'));
  const over = new AbortController();
  const leave = passage.enter(() => over.abort());
  const watch = new Watch(PREVIEW_RESPONSE_MS, () => over.abort(new ResponseTimeout('no byte for too long')));
  const gone = () => over.abort();
  socket.on('close', gone);
  let stream: Duplex | undefined;
  try {
    stream = await passage.open();
    const headers = requestHeaders(headerList(req.rawHeaders), { mapping, header, forwardedFor, body: 'none', upgrade: protocol });
    const sent = overStream(stream, { method: req.method ?? 'GET', path, headers: flat(headers), setHost: false, signal: over.signal });
    const answer = await new Promise<{ response: IncomingMessage; first?: Buffer }>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => resolve({ response }));
      sent.on('upgrade', (response, _socket, first) => resolve({ response, first }));
      sent.end();
    });
    watch.restart(PREVIEW_IDLE_MS);
    if (answer.first === undefined) await plain(answer.response, res, passage, watch);
    else await join(answer.response, answer.first, stream, res, socket, head, passage, watch, over.signal);
  } catch (error) {
    if (socket.destroyed) return;
    passage.fail(failureOf(over.signal.reason instanceof ResponseTimeout ? over.signal.reason : error, passage.place));
  } finally {
    watch.stop();
    leave();
    socket.off('close', gone);
    stream?.destroy();
  }
}

/** The app did not want to upgrade: its answer is passed on. */
function plain(response: IncomingMessage, res: ServerResponse, { mapping }: Passage, watch: Watch): Promise<void> {
  return new Promise((resolve, reject) => {
    res.on('close', resolve);
    res.on('finish', resolve);
    deliver(response, res, mapping, { watch, failed: reject });
  });
}

async function join(
  response: IncomingMessage,
  first: Buffer,
  stream: Duplex,
  res: ServerResponse,
  socket: Duplex,
  head: Buffer,
  { mapping }: Passage,
  watch: Watch,
  signal: AbortSignal,
): Promise<void> {
  res.detachSocket(socket as Socket);
  const headers: HeaderList = [
    ['Connection', 'Upgrade'],
    ['Upgrade', response.headers.upgrade ?? ''],
    ...responseHeaders(headerList(response.rawHeaders), mapping),
  ];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`HTTP/1.1 101 ${response.statusMessage ?? 'Switching Protocols'}\r\n${lines}\r\n`, 'latin1');
  if (first.length > 0) stream.unshift(first);
  if (head.length > 0) socket.unshift(head);
  stream.on('data', watch.touch);
  socket.on('data', watch.touch);
  await relay(socket, stream, { signal });
}

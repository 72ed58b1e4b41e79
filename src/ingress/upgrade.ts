/** WebSockets and other upgrades: from the 101 on the bytes are the client's and the pod's, with each end's end passed on. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { request, type ServerResponse } from '../base/node-http.ts';
import { relay } from '../tunnel/index.ts';
import { dialBackend, inTurn } from './backends.ts';
import { deliver, type Passage } from './exchange.ts';
import { hasBody, responseHeaders } from './headers.ts';
import { UPGRADED_KEEPALIVE_MS } from './limits.ts';

/**
 * Other offers to upgrade are ignored, as they may be: HTTP/2 inside a connection that was looked at once would carry requests past the
 * rules, and behind a body the bytes of two protocols would follow each other.
 */
export function isUpgrade(req: IncomingMessage): boolean {
  return req.headers.upgrade !== undefined && !/(^|[,\s])h2c?\b/i.test(req.headers.upgrade) && !hasBody(req);
}

/** @param res for an answer that is no 101. @param signal ends it. Resolves when both ends have ended. */
export async function upgrade(req: IncomingMessage, res: ServerResponse, socket: Socket, head: Buffer, passage: Passage, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const gone = (): void => over.abort();
  socket.once('close', gone);
  let backend: Socket | undefined;
  try {
    backend = await dialBackend(inTurn(passage.endpoints));
    if (socket.destroyed) return;
    const protocol = req.headers.upgrade ?? '';
    const headers = [...passage.headers, 'Connection', 'Upgrade', 'Upgrade', protocol];
    const answer = await ask(req.method ?? 'GET', passage.path, headers, backend, over.signal);
    if (answer.first === undefined) await plain(answer.response, res);
    else {
      res.detachSocket(socket);
      const { statusMessage = 'Switching Protocols', headers: said } = answer.response;
      const lines = [
        ...responseHeaders(answer.response).map(([name, value]) => `${name}: ${value}`),
        'Connection: Upgrade',
        `Upgrade: ${said.upgrade ?? protocol}`,
      ];
      socket.write(`HTTP/1.1 101 ${statusMessage}\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
      if (answer.first.length > 0) backend.unshift(answer.first);
      if (head.length > 0) socket.unshift(head);
      for (const one of [socket, backend]) one.setKeepAlive(true, UPGRADED_KEEPALIVE_MS);
      // from here on each side's end is passed on, and what is on its way arrives
      socket.off('close', gone);
      await relay(socket, backend, { signal });
    }
  } catch (error) {
    if (res.headersSent) socket.destroy();
    else if (!socket.destroyed) passage.fail(error);
  } finally {
    socket.off('close', gone);
    backend?.destroy();
  }
}

interface Answer {
  response: IncomingMessage;
  /** Bytes behind the 101; undefined where it is another answer. */
  first?: Buffer;
}

function ask(method: string, path: string, headers: string[], backend: Socket, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ method, path, headers, setHost: false, signal, createConnection: () => backend });
    sent.on('error', reject);
    sent.once('response', (response) => resolve({ response }));
    sent.once('upgrade', (response, _socket, first) => resolve({ response, first }));
    sent.end();
  });
}

/** The app did not want to upgrade: its answer is passed on. */
function plain(response: IncomingMessage, res: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    res.once('close', resolve);
    res.once('finish', resolve);
    deliver(response, res, reject);
  });
}

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CodedError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { HEALTH_REQUEST_LIMIT, HEALTH_TIMEOUT_MS } from './limits.ts';

export interface Health {
  readonly port: number;
  close(): void;
}

/**
 * What the kubelet asks: `GET /healthz` and `GET /readyz` are 200. Started when every port listens, so that a refused connection means
 * "not yet". The answer to `/readyz` waits for `ready`: an answer that says "not yet" would be asked for again only a period later. That
 * must not depend on a manager: pods start without one. No node:http: it costs a sidecar 13 MiB.
 */
export function startHealth(port: number, options: { ready: Promise<void>; log: Log }): Promise<Health> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (error) => options.log.debug('a health request failed', { error: error.message }));
    answer(socket, options.ready);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new CodedError('TP-INTERNAL', `The agent can't listen on port ${port}: ${messageOf(error)}`, { cause: error })));
    server.listen(port, () => {
      server.on('error', (error) => options.log.error('the health port failed', { error: error.message }));
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}

/** One request, one answer, and the connection ends. */
function answer(socket: Socket, ready: Promise<void>): void {
  let head = '';
  let whole = false;
  socket.setTimeout(HEALTH_TIMEOUT_MS, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (whole) return;
    head += chunk.toString('latin1');
    if (head.length > HEALTH_REQUEST_LIMIT) return void socket.destroy();
    whole = head.includes('\r\n\r\n');
    if (!whole) return undefined;
    const path = /^(?:GET|HEAD) (\/healthz|\/readyz)(?:\?\S*)? HTTP\/1\.[01]\r\n/.exec(head)?.[1];
    const send = () => void socket.end(`HTTP/1.1 ${path === undefined ? '404 Not Found' : '200 OK'}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    if (path !== '/readyz') return send();
    return void ready.then(send);
  });
}

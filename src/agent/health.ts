import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

export interface Health {
  readonly port: number;
  close(): void;
}

/**
 * What the kubelet asks: `/healthz` and `/readyz` are 200. Started when every port listens, so that a refused connection means "not
 * yet". Never depends on a manager: pods must start without one.
 */
export function startHealth(port: number, options: { log: Log }): Promise<Health> {
  const server = createServer((request, response) => {
    request.resume();
    const ok = request.url === '/healthz' || request.url === '/readyz';
    response.writeHead(ok ? 200 : 404, { 'content-type': 'text/plain' });
    response.end(ok ? 'ok\n' : 'no\n');
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new CodedError('TP-INTERNAL', `The agent can't listen on port ${port}: ${messageOf(error)}`, { cause: error })));
    server.listen(port, () => {
      server.on('error', (error) => options.log.error('the health port failed', { error: error.message }));
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

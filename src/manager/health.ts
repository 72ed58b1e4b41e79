/** Plain HTTP for the kubelet and for Prometheus: `/healthz`, `/readyz`, `/metrics`. */
import { messageOf } from '../base/errors.ts';
import { listen } from '../base/listen.ts';
import type { Log } from '../base/log.ts';
import { createServer } from '../base/node-http.ts';
import type { Part } from './context.ts';
import type { Metrics } from './metrics.ts';

export const HEALTH_TIMEOUT_MS = 5_000;
export const HEALTH_CONNECTION_LIMIT = 64;

/** @param options.ready undefined when the manager is ready, else what it waits for. */
export async function startHealth(options: { port: number; metrics: Metrics; ready: () => string | undefined; log: Log }): Promise<Part & { port: number }> {
  const server = createServer({ requestTimeout: HEALTH_TIMEOUT_MS, headersTimeout: HEALTH_TIMEOUT_MS }, (request, response) => {
    const answer = (status: number, text: string) => response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
    switch (request.method === 'GET' ? request.url?.split('?')[0] : undefined) {
      case '/healthz':
        return answer(200, 'ok\n');
      case '/readyz': {
        const waiting = options.ready();
        return waiting === undefined ? answer(200, 'ok\n') : answer(503, `${waiting}\n`);
      }
      case '/metrics':
        return answer(200, options.metrics.render());
      default:
        return answer(404, 'not found\n');
    }
  });
  server.maxConnections = HEALTH_CONNECTION_LIMIT;
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listen(server, { port: options.port }, (error) => options.log.error('the health port failed', { error: messageOf(error) }));
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

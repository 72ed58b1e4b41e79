import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import { STATUS_CODES } from '../../base/node-http.ts';
import { UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';
import { bearerOf } from '../api/index.ts';
import type { CloudContext } from '../context.ts';
import { clientAddress } from '../http/guard.ts';
import { Problem } from '../problem.ts';
import type { Registry } from './registry.ts';

/** Answers an upgrade that is refused. */
export function refuseUpgrade(socket: Duplex, status: number, headers: Record<string, string> = {}): void {
  const lines = Object.entries({ connection: 'close', 'content-length': '0', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`);
}

/** `GET /link` of a manager: 101 for a token of a cluster, and nothing else. */
export function createLinkUpgrade(context: Pick<CloudContext, 'config' | 'store' | 'limits' | 'log'>, registry: Registry) {
  const { config, store, limits, log } = context;
  return async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const address = clientAddress(request.socket.remoteAddress, request.headers['x-forwarded-for']?.toString(), config.behindProxy);
    try {
      await limits.check('bearer', address);
      const token = bearerOf(request.headers.authorization);
      const authenticate = async () => (token === undefined ? undefined : store.clusters.authenticate(token));
      const cluster = await authenticate();
      if (cluster === undefined) {
        await limits.take('bearer', address);
        log.info('a link without a valid token was refused', { address });
        return refuseUpgrade(socket, 401, { 'www-authenticate': 'Bearer' });
      }
      if (request.headers.upgrade?.toLowerCase() !== UPGRADE_PROTOCOL) return refuseUpgrade(socket, 426, { upgrade: UPGRADE_PROTOCOL });
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${UPGRADE_PROTOCOL}\r\n\r\n`);
      if (head.length > 0) socket.unshift(head);
      registry.accept(socket, cluster, async () => (await authenticate())?.id === cluster.id);
    } catch (error) {
      if (error instanceof Problem) return refuseUpgrade(socket, error.status, error.headers);
      log.error('a link could not be accepted', { error: messageOf(error) });
      refuseUpgrade(socket, 503);
    }
  };
}

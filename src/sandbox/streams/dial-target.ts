/** A connection to a proxy's target, with TLS where its name asks for it. */
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { NodeStreams } from '../contract.ts';
import { PROXY_DIAL_TIMEOUT_MS } from './limits.ts';
import type { ProxyTarget } from './proxy-target.ts';

/** Says what failed in the words of the API server. */
export class DialError extends Error {}

function wordsOf(thrown: unknown, { ip, port }: ProxyTarget): string {
  const code = codeOf(thrown) ?? '';
  const reasons: Record<string, string> = { ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ETIMEDOUT: 'i/o timeout' };
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO') return 'tls: first record does not look like a TLS handshake';
  return `dial tcp ${ip}:${port}: ${reasons[code] ?? messageOf(thrown)}`;
}

/** @throws {DialError} */
export async function dialTarget(node: Pick<NodeStreams, 'dial'>, target: ProxyTarget): Promise<Duplex> {
  try {
    const plain = await node.dial(target.ip, target.port);
    return target.tls ? await secure(plain) : plain;
  } catch (error) {
    throw new DialError(wordsOf(error, target), { cause: error });
  }
}

/** The pod's certificate is not verified, as the API server's proxy does not: what is inside must prove itself. */
function secure(plain: Duplex): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ socket: plain, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error('TLS handshake timeout'), { code: 'ETIMEDOUT' })), PROXY_DIAL_TIMEOUT_MS);
    const fail = (error: Error) => {
      clearTimeout(timer);
      plain.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** One connection to an API server: TCP, through the proxy where there is one, and TLS. */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { CodedError } from '../base/errors.ts';
import { KUBE_CONNECT_TIMEOUT_MS, KUBE_TCP_KEEPALIVE_MS } from './limits.ts';
import { connectThroughProxy } from './proxy.ts';
import { errorOfNetwork } from './status-error.ts';

export interface DialTarget {
  server: URL;
  proxyUrl: string | undefined;
  /** Undefined for an http server. */
  secureContext: tls.SecureContext | undefined;
  serverName: string | undefined;
  verify: boolean;
  /** TLS session of an earlier connection. */
  session?: Buffer | undefined;
  onSession?: (session: Buffer) => void;
}

/** Connects within {@link KUBE_CONNECT_TIMEOUT_MS}. Fails with a coded error. */
export async function dial(target: DialTarget, signal?: AbortSignal): Promise<Duplex> {
  const { server } = target;
  const limit = AbortSignal.timeout(KUBE_CONNECT_TIMEOUT_MS);
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const port = server.port === '' ? (server.protocol === 'https:' ? 443 : 80) : Number(server.port);
  try {
    const raw = target.proxyUrl === undefined ? await tcpConnect(host, port, either) : await connectThroughProxy(target.proxyUrl, host, port, either);
    if (raw instanceof net.Socket) raw.setNoDelay(true).setKeepAlive(true, KUBE_TCP_KEEPALIVE_MS);
    if (target.secureContext === undefined) return raw;
    return await tlsConnect(raw, target, host, either);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (limit.aborted)
      throw new CodedError(
        'TP-KUBE-UNREACHABLE',
        `The API server ${server.origin} can't be reached: no connection within ${KUBE_CONNECT_TIMEOUT_MS / 1000} s.`,
        { cause: error },
      );
    throw errorOfNetwork(error, { server: server.origin });
  }
}

function tcpConnect(host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = net.connect({ host, port, autoSelectFamily: true });
    const stop = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      socket.off('error', reject);
      // An error between here and the next owner's listener must not end the process; the next read or write reports it.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

function tlsConnect(raw: Duplex, target: DialTarget, host: string, signal: AbortSignal): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const name = target.serverName ?? host;
    const socket = tls.connect({
      socket: raw,
      ...(target.secureContext === undefined ? {} : { secureContext: target.secureContext }),
      ...(net.isIP(name) === 0 ? { servername: name } : {}),
      ...(target.session === undefined ? {} : { session: target.session }),
      // Undefined would make Node check against the URL's host only where it is a name.
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
      rejectUnauthorized: target.verify,
      ALPNProtocols: ['http/1.1'],
    });
    const stop = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', reject);
    if (target.onSession !== undefined) socket.on('session', target.onSession);
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', stop);
      socket.off('error', reject);
      socket.on('error', () => {});
      socket.setNoDelay(true);
      resolve(socket);
    });
    raw.once('close', () => socket.destroy());
    socket.once('close', () => {
      raw.destroy();
      reject(new Error('it closed the connection during the TLS handshake'));
    });
  });
}

import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type EndIntercept, endInterceptSchema, type PreviewTarget } from '../../protocol/cloud.ts';
import { UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';
import { createMux } from '../../mux/index.ts';
import { createRpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader, readStreamHeader, relay, resetReasonOf, resetStream } from '../../tunnel/index.ts';
import { bearerOf } from '../api/index.ts';
import { NotLinkedError } from '../context.ts';
import { END_INTERCEPT_TIMEOUT_MS, FORWARD_TIMEOUT_MS } from '../limits.ts';
import { refuseUpgrade } from '../link/upgrade.ts';
import type { Registry } from '../link/registry.ts';
import { sameSecret } from '../secrets.ts';

const PATH = /^\/replica\/([0-9a-f-]{36})$/;

/** One upgrade carries a mux: resets keep their reasons across it. The mux and its connection end with its last stream. */
function dial(address: string, secret: string, clusterId: string): Promise<Duplex> {
  const url = new URL(`/replica/${clusterId}`, address);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, {
      headers: { connection: 'Upgrade', upgrade: UPGRADE_PROTOCOL, authorization: `Bearer ${secret}` },
      agent: false,
      timeout: FORWARD_TIMEOUT_MS,
    });
    request.on('upgrade', (_response, socket, head) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on('response', (response) => {
      response.destroy();
      reject(response.statusCode === 404 ? new NotLinkedError() : new Error(`another replica of the cloud answered ${response.statusCode}`));
    });
    request.on('timeout', () => request.destroy(new Error('another replica of the cloud does not answer')));
    request.on('error', reject);
    request.end();
  });
}

export async function forwardStream(address: string, secret: string, clusterId: string, target: PreviewTarget, log: Log): Promise<Duplex> {
  const mux = createMux(await dial(address, secret, clusterId), { role: 'client', log });
  const stream = mux.open(encodeStreamHeader({ t: 'preview', ...target }));
  stream.once('close', () => mux.abort(new Error('the stream is over')));
  return stream;
}

export async function forwardEndIntercept(address: string, secret: string, clusterId: string, intercept: EndIntercept, log: Log): Promise<void> {
  const mux = createMux(await dial(address, secret, clusterId), { role: 'client', log });
  try {
    const rpc = createRpcPeer(mux.open(encodeStreamHeader({ t: 'cloud-control' })), { log });
    await rpc.call('end-intercept', intercept, { timeoutMs: END_INTERCEPT_TIMEOUT_MS });
  } finally {
    mux.abort(new Error('the call is over'));
  }
}

/** The end of a replica that holds links: knows the secret, or nothing is answered. */
export function createForwardServer(options: { secret: string; registry: () => Registry | undefined; log: Log }) {
  const { secret, registry, log } = options;
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const given = bearerOf(request.headers.authorization);
    if (given === undefined || !sameSecret(given, secret)) return refuseUpgrade(socket, 401);
    const clusterId = PATH.exec(request.url ?? '')?.[1];
    const link = clusterId === undefined ? undefined : registry()?.local(clusterId);
    if (link === undefined) return refuseUpgrade(socket, 404);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${UPGRADE_PROTOCOL}\r\n\r\n`);
    if (head.length > 0) socket.unshift(head);
    createMux(socket, {
      role: 'server',
      log,
      onStream: (stream) => {
        stream.on('error', (error) => log.debug('a forwarded stream failed', { error: messageOf(error) }));
        readStreamHeader(stream)
          .then(async (header) => {
            if (header.t === 'cloud-control') {
              createRpcPeer(stream, { log, handlers: { 'end-intercept': (params) => endIntercept(link, params) } });
            } else if (header.t === 'preview') {
              const { host, port, tls, sni, ca } = header;
              await relay(stream, link.openPreview({ host, port, tls, sni, ca }));
            } else stream.reset('protocol');
          })
          .catch((error: unknown) => resetStream(stream, resetReasonOf(error)));
      },
    });
  };
}

async function endIntercept(link: { endIntercept(intercept: EndIntercept): Promise<void> }, params: unknown): Promise<Record<string, never>> {
  const intercept = endInterceptSchema.safeParse(params);
  if (!intercept.success) throw new CodedError('TP-INTERNAL', 'Another replica of the cloud asked wrongly.');
  await link.endIntercept(intercept.data);
  return {};
}

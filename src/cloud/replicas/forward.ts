import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { request as httpRequest } from '../../base/node-http.ts';
import { createMux, type Mux } from '../../mux/index.ts';
import { type EndIntercept, endInterceptSchema, type PreviewTarget } from '../../protocol/cloud.ts';
import { UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';
import { createRpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader, readStreamHeader, relay, resetReasonOf, resetStream } from '../../tunnel/index.ts';
import { bearerOf } from '../api/index.ts';
import { NotLinkedError } from '../context.ts';
import { END_INTERCEPT_TIMEOUT_MS, FORWARD_IDLE_MS, FORWARD_TIMEOUT_MS } from '../limits.ts';
import type { Registry } from '../link/registry.ts';
import { refuseUpgrade } from '../link/upgrade.ts';
import { sameSecret } from '../secrets.ts';

const PATH = /^\/replica\/([0-9a-f-]{36})$/;

/** One upgrade carries a mux: resets keep their reasons across it. */
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

/** Connections to the other replicas: one per link of theirs that is used, kept for a while. */
export interface Forwarder {
  openStream(address: string, clusterId: string, target: PreviewTarget): Promise<Duplex>;
  endIntercept(address: string, clusterId: string, intercept: EndIntercept): Promise<void>;
  close(): void;
}

export function createForwarder(options: { secret: string; log: Log }): Forwarder {
  const { secret, log } = options;
  const open = new Map<string, Promise<Mux>>();

  const muxTo = (address: string, clusterId: string): Promise<Mux> => {
    const key = `${address} ${clusterId}`;
    const known = open.get(key);
    if (known !== undefined) return known;
    const made = dial(address, secret, clusterId).then((socket) => {
      const mux = createMux(socket, { role: 'client', log });
      const timer = setInterval(() => {
        if (mux.streams === 0) mux.abort(new Error('nobody uses this connection'));
      }, FORWARD_IDLE_MS);
      void mux.closed.then(() => {
        clearInterval(timer);
        if (open.get(key) === made) open.delete(key);
      });
      return mux;
    });
    open.set(key, made);
    made.catch(() => {
      if (open.get(key) === made) open.delete(key);
    });
    return made;
  };

  return {
    async openStream(address, clusterId, target) {
      return (await muxTo(address, clusterId)).open(encodeStreamHeader({ t: 'preview', ...target }));
    },
    async endIntercept(address, clusterId, intercept) {
      const rpc = createRpcPeer((await muxTo(address, clusterId)).open(encodeStreamHeader({ t: 'cloud-control' })), { log });
      try {
        await rpc.call('end-intercept', intercept, { timeoutMs: END_INTERCEPT_TIMEOUT_MS });
      } finally {
        rpc.close();
      }
    },
    close() {
      for (const mux of open.values()) {
        mux.then(
          (one) => one.abort(new Error('the cloud stops')),
          (error: unknown) => log.debug('another replica did not answer', { error: messageOf(error) }),
        );
      }
    },
  };
}

/** The end of a replica that holds links: knows the secret, or nothing is answered. */
export function createForwardServer(options: { secret: string; registry: () => Registry | undefined; log: Log }) {
  const { secret, registry, log } = options;
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const given = bearerOf(request.headers.authorization);
    if (given === undefined || !sameSecret(given, secret)) return refuseUpgrade(socket, 401);
    const clusterId = PATH.exec(request.url ?? '')?.[1];
    const find = () => (clusterId === undefined ? undefined : registry()?.local(clusterId));
    if (find() === undefined) return refuseUpgrade(socket, 404);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${UPGRADE_PROTOCOL}\r\n\r\n`);
    if (head.length > 0) socket.unshift(head);
    createMux(socket, {
      role: 'server',
      log,
      onStream: (stream) => {
        stream.on('error', (error) => log.debug('a forwarded stream failed', { error: messageOf(error) }));
        readStreamHeader(stream)
          .then(async (header) => {
            const link = find();
            if (link === undefined) return stream.reset('gone');
            if (header.t === 'cloud-control') {
              createRpcPeer(stream, { log, handlers: { 'end-intercept': (params) => endIntercept(link, params) } });
            } else if (header.t === 'preview') {
              const { host, port, tls, sni, ca } = header;
              await relay(stream, link.openPreview({ host, port, tls, sni, ca }));
            } else stream.reset('protocol');
            return undefined;
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

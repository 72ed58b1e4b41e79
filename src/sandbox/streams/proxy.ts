/** The proxies of pods and Services: requests passed on, and upgrades that end as two sockets copied into each other. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import { request as httpRequest } from '../../base/node-http.ts';
import { type ClusterClient, type NodeStreams, type RequestAttributes, StatusError } from '../contract.ts';
import { DialError, dialTarget } from './dial-target.ts';
import { join } from './join.ts';
import { UPGRADE_HEAD_LIMIT } from './limits.ts';
import { requestHeaders, responseHeaders } from './proxy-headers.ts';
import { proxyTarget } from './proxy-target.ts';
import { refuseUpgrade, sendStatus } from './send-status.ts';

export interface Proxy {
  request(attributes: RequestAttributes, request: IncomingMessage, response: ServerResponse, rest: string): Promise<void>;
  upgrade(attributes: RequestAttributes, request: IncomingMessage, socket: Duplex, head: Buffer, rest: string): Promise<void>;
}

const hostOf = ({ ip, port, tls }: { ip: string; port: number; tls: boolean }) => (port === (tls ? 443 : 80) ? ip : `${ip}:${port}`);

/** `/api/v1/namespaces/a/services/b/proxy`, of a whole path with what stands behind. */
function prefixOf(request: IncomingMessage, rest: string): string {
  const url = request.url ?? '';
  return url.slice(0, Math.max(0, url.length - rest.length));
}

export function createProxy({ client, node }: { client: ClusterClient; node: Pick<NodeStreams, 'dial'> }): Proxy {
  async function request(attributes: RequestAttributes, incoming: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    const prefix = prefixOf(incoming, rest);
    // Without the slash relative links of the pod's pages would lead beside the proxy.
    if (!rest.startsWith('/') && (incoming.method === 'GET' || incoming.method === 'HEAD')) {
      response.writeHead(301, { location: `${prefix}/${rest}`, 'content-length': 0 }).end();
      return;
    }
    const target = await proxyTarget(client, attributes);
    const path = rest.startsWith('/') ? rest : `/${rest}`;
    let socket: Duplex;
    try {
      socket = await dialTarget(node, target);
    } catch (error) {
      throw new StatusError(503, 'ServiceUnavailable', `error trying to reach service: ${messageOf(error)}`);
    }
    if (incoming.destroyed) {
      socket.destroy();
      return;
    }
    await new Promise<void>((done) => {
      const outgoing = httpRequest({
        createConnection: () => socket,
        method: incoming.method ?? 'GET',
        path,
        headers: requestHeaders(incoming, { upgrade: false, host: hostOf(target), path: (incoming.url ?? '').split('?')[0] ?? '' }),
        setHost: false,
      });
      const fail = (error: unknown) => {
        sendStatus(response, new StatusError(503, 'ServiceUnavailable', `error trying to reach service: ${messageOf(error)}`));
        done();
      };
      outgoing.on('error', fail);
      outgoing.on('information', ({ statusCode }) => {
        if (statusCode === 100) response.writeContinue();
      });
      outgoing.on('response', (answer) => {
        const status = answer.statusCode ?? 502;
        response.writeHead(status, answer.statusMessage, responseHeaders(answer, prefix));
        response.flushHeaders();
        pipeline(answer, response, () => {
          socket.destroy();
          done();
        });
      });
      response.on('close', () => {
        outgoing.destroy();
        socket.destroy();
        done();
      });
      // The failure is the outgoing request's, told by its own event.
      pipeline(incoming, outgoing, () => {});
    });
  }

  async function upgrade(attributes: RequestAttributes, incoming: IncomingMessage, socket: Duplex, head: Buffer, rest: string): Promise<void> {
    socket.on('error', () => socket.destroy());
    let backend: Duplex | undefined;
    try {
      const target = await proxyTarget(client, attributes);
      const path = rest.startsWith('/') ? rest : `/${rest}`;
      backend = await dialTarget(node, target);
      // it may break at any time, also when nobody waits for it any more: an error without a listener would end the whole sandbox
      backend.on('error', () => {});
      const headers = requestHeaders(incoming, { upgrade: true, host: hostOf(target), path });
      const lines = [`${incoming.method ?? 'GET'} ${path} HTTP/1.1`];
      for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index] ?? ''}: ${headers[index + 1] ?? ''}`);
      backend.write(`${lines.join('\r\n')}\r\n\r\n`);
      const answer = await readHead(backend, socket);
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer.head)?.[1] ?? 0);
      if (status !== 101) throw new StatusError(500, '', `invalid upgrade response: status code ${status}`);
      socket.write(`${answer.head}\r\n\r\n`);
      if (answer.rest.length > 0) socket.write(answer.rest);
      if (head.length > 0) backend.write(head);
      join(socket, backend);
    } catch (error) {
      backend?.destroy();
      refuseUpgrade(socket, error instanceof DialError ? new StatusError(500, '', `error dialing backend: ${error.message}`) : error);
    }
  }

  return { request, upgrade };
}

/** The bytes of the answer up to its empty line, without it, and what came behind. */
function readHead(backend: Duplex, client: Duplex): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const finish = (work: () => void) => {
      backend.off('data', onData).off('end', onEnd).off('error', onEnd);
      client.off('close', onGone);
      work();
    };
    const onEnd = () => finish(() => reject(new StatusError(500, '', 'unable to read the upgrade response: EOF')));
    const onGone = () => finish(() => reject(new StatusError(500, '', 'the client is gone')));
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end === -1 && bytes.length <= UPGRADE_HEAD_LIMIT) return;
      backend.pause();
      if (end === -1) finish(() => reject(new StatusError(500, '', 'the upgrade response is too long')));
      else finish(() => resolve({ head: bytes.subarray(0, end).toString('latin1'), rest: bytes.subarray(end + 4) }));
    };
    backend.on('data', onData).on('end', onEnd).on('error', onEnd);
    client.on('close', onGone);
  });
}

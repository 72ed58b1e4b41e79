/** Opens the connection to the cloud: one request, upgraded. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { request as httpRequest } from '../../base/node-http.ts';
import { VERSION } from '../../base/version.ts';
import { LINK_PATH } from '../../protocol/cloud.ts';
import { UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';
import { CLOUD_DIAL_TIMEOUT_MS } from './limits.ts';

/** The cloud answered, and does not take this token: another try with it is pointless. */
export class TokenRefused extends Error {
  constructor(status: number) {
    super(`the cloud refused the cluster's token (status ${status})`);
    this.name = 'TokenRefused';
  }
}

export interface CloudAddress {
  url: string;
  /** PEM of a CA that is trusted beside the well-known ones. */
  ca?: string | undefined;
}

/** Resolves with the upgraded connection. Rejects with TokenRefused, or with what stood in the way. */
export function dialCloud({ url, ca }: CloudAddress, token: string, options: { signal: AbortSignal; timeoutMs?: number }): Promise<Socket> {
  const base = new URL(url);
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs ?? CLOUD_DIAL_TIMEOUT_MS)]);
  return new Promise((resolve, reject) => {
    const settings = {
      host: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port === '' ? undefined : Number(base.port),
      path: `${base.pathname.replace(/\/$/, '')}${LINK_PATH}`,
      agent: false as const,
      signal,
      headers: {
        host: base.host,
        connection: 'Upgrade',
        upgrade: UPGRADE_PROTOCOL,
        authorization: `Bearer ${token}`,
        'user-agent': `telepresence-manager/${VERSION}`,
      },
    };
    const call: ClientRequest =
      base.protocol === 'https:' ? httpsRequest({ ...settings, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) }) : httpRequest(settings);
    call.on('error', reject);
    call.on('response', (response: IncomingMessage) => {
      const status = response.statusCode ?? 0;
      response.resume();
      call.destroy();
      reject(status === 401 || status === 403 ? new TokenRefused(status) : new Error(`the cloud answered ${status} instead of opening the link`));
    });
    call.on('upgrade', (response: IncomingMessage, socket: Socket, head: Buffer) => {
      if (response.headers.upgrade?.toLowerCase() !== UPGRADE_PROTOCOL) {
        socket.destroy();
        reject(new Error('what answers at the address of the cloud is no cloud'));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      socket.setTimeout(0);
      resolve(socket);
    });
    call.end();
  });
}

/** Who sent a request. */
import type { IncomingMessage } from 'node:http';
import type { Authenticator, Authorizer, UserInfo } from '../contract.ts';
import { certificateUser } from './client-certificate.ts';
import { impersonated } from './impersonation.ts';
import type { TokenVerifier } from './token-verifier.ts';

export function createAuthenticator({ tokens, authorizer }: { tokens: TokenVerifier; authorizer: Authorizer }): Authenticator {
  async function known(request: IncomingMessage): Promise<UserInfo | undefined> {
    const byCertificate = certificateUser(request.socket);
    if (byCertificate !== undefined) return byCertificate;
    const token = bearerToken(request);
    if (token === undefined) return undefined;
    const result = await tokens.verify(token);
    return 'user' in result ? result.user : undefined;
  }
  return {
    async authenticate(request) {
      const user = await known(request);
      return user === undefined ? undefined : impersonated(user, request, authorizer);
    },
  };
}

const WEBSOCKET_TOKEN = 'base64url.bearer.authorization.k8s.io.';

/** From the Authorization header, or as browsers send it with a WebSocket: hidden in a subprotocol, which is taken out. */
function bearerToken(request: IncomingMessage): string | undefined {
  const header = /^bearer +(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1];
  if (header !== undefined) return header;
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const hidden = offered.find((name) => name.startsWith(WEBSOCKET_TOKEN));
  if (hidden === undefined) return undefined;
  request.headers['sec-websocket-protocol'] = offered.filter((name) => name !== hidden).join(', ');
  return Buffer.from(hidden.slice(WEBSOCKET_TOKEN.length), 'base64url').toString('utf8');
}

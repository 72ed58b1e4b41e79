/** Who stands in a client's certificate. */
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { UserInfo } from '../contract.ts';
import { authenticated } from './user.ts';

/**
 * The user of a connection whose certificate the server verified (`requestCert` with the sandbox's CA as `ca`).
 * `authorized` alone says too little: a resumed TLS 1.3 session without a certificate has it too.
 */
export function certificateUser(socket: Duplex): UserInfo | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject, raw } = socket.getPeerCertificate();
  const username = subject?.CN;
  if (typeof username !== 'string' || username === '') return undefined;
  const organisations: string | string[] = subject.O ?? [];
  const digest = createHash('sha256').update(raw).digest('hex');
  return authenticated({
    username,
    groups: typeof organisations === 'string' ? [organisations] : organisations,
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${digest}`] },
  });
}

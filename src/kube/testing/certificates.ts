/** A certificate authority for tests. */
import 'reflect-metadata';
import { isIP } from 'node:net';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface TestAuthority {
  ca: string;
  /** A certificate for 127.0.0.1 and `names`, or a client's for `subject`. */
  issue(options: { subject: string; names?: string[]; notBefore?: Date; notAfter?: Date }): Promise<{ cert: string; key: string }>;
}

const pem = (label: string, der: ArrayBuffer) =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END ${label}-----\n`;

export async function createTestAuthority(name = 'CN=test authority'): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const from = new Date(Date.now() - 3_600_000 * 48);
  const until = new Date(Date.now() + 3_600_000 * 48);
  const authority = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    notBefore: from,
    notAfter: until,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  });
  return {
    ca: authority.toString('pem'),
    async issue({ subject, names = [], notBefore = from, notAfter = until }) {
      const own = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await X509CertificateGenerator.create({
        subject,
        issuer: authority.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        notBefore,
        notAfter,
        extensions: [
          new SubjectAlternativeNameExtension([
            { type: 'ip', value: '127.0.0.1' },
            ...names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
          ]),
        ],
      });
      return { cert: certificate.toString('pem'), key: pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', own.privateKey)) };
    },
  };
}

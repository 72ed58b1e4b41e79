import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { BasicConstraintsExtension, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { DEFAULT_CERTIFICATE_MS } from './limits.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const NAME = 'sandbox-ingress.invalid';

/** A certificate that nobody trusts, for names that no Secret is there for: new at each start, and its key is written nowhere. */
export async function makeDefaultCertificate(): Promise<{ cert: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: ['Sandbox default ingress certificate'] }],
      serialNumber: `01${randomBytes(12).toString('hex')}`,
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + DEFAULT_CERTIFICATE_MS),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new BasicConstraintsExtension(false, undefined, true), new SubjectAlternativeNameExtension([{ type: 'dns', value: NAME }])],
    },
    webcrypto,
  );
  return { cert: certificate.toString('pem'), key: PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY') };
}

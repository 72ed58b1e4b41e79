/** Mints the manager's certificates: pure functions of their parameters and the clock they are given. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** The CA lives as long as an installation may: replacing it would cut off every running agent. */
export const CA_LIFETIME_MS = 10 * 365 * 24 * 3_600_000;
export const LEAF_LIFETIME_MS = 30 * 24 * 3_600_000;
/** Certificates are valid from a little before now, for nodes whose clocks are behind. */
export const CLOCK_SKEW_MS = 3_600_000;

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate and its PKCS #8 key, both PEM. */
export interface KeyPairPem {
  certificate: string;
  key: string;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function lifetime(now: number, length: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - CLOCK_SKEW_MS), notAfter: new Date(now + length) };
}

/** A new self-signed CA that may sign leaves only. */
export async function mintCa(options: { name: string; now: number }): Promise<KeyPairPem> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [options.name] }],
      ...lifetime(options.now, CA_LIFETIME_MS),
      keys,
      signingAlgorithm: KEY_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** A server certificate for `hosts` (names and IP addresses), signed by `ca`. */
export async function mintLeaf(options: { ca: KeyPairPem; name: string; hosts: readonly string[]; now: number }): Promise<KeyPairPem & { notAfter: number }> {
  const caCertificate = new X509Certificate(options.ca.certificate);
  const caKey = await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(options.ca.key), KEY_ALGORITHM, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const valid = lifetime(options.now, LEAF_LIFETIME_MS);
  const certificate = await X509CertificateGenerator.create(
    {
      subject: [{ CN: [options.name] }],
      issuer: caCertificate.subject,
      ...valid,
      publicKey: keys.publicKey,
      signingKey: caKey,
      signingAlgorithm: KEY_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(options.hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))),
        await AuthorityKeyIdentifierExtension.create(caCertificate, false, webcrypto),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey), notAfter: valid.notAfter.getTime() };
}

/** Whether the pair is a CA that can sign leaves now: parses, belongs together, not expired. */
export async function isUsableCa(pair: KeyPairPem, now: number): Promise<boolean> {
  try {
    const certificate = new X509Certificate(pair.certificate);
    if (certificate.notAfter.getTime() <= now + LEAF_LIFETIME_MS) return false;
    const leaf = await mintLeaf({ ca: pair, name: 'probe', hosts: ['probe'], now });
    return await new X509Certificate(leaf.certificate).verify({ publicKey: certificate, date: new Date(now) }, webcrypto);
  } catch {
    // Anything that can't be parsed is not usable; the caller reports which Secret it came from.
    return false;
  }
}

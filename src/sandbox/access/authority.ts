/** The sandbox's certificate authority: certificates of its servers and of its users. */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { CERTIFICATE_LIFETIME_MS, CERTIFICATE_SKEW_MS } from './limits.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate and its PKCS #8 key, both PEM. */
export interface CertificatePair {
  certificate: string;
  key: string;
}

export interface CertificateAuthority {
  /** To keep and to give to {@link createCertificateAuthority} at the next start. */
  readonly pair: CertificatePair;
  /** A server's certificate for names and IP addresses. */
  issueServer(name: string, hosts: string[]): Promise<CertificatePair>;
  /** A user's: the API server reads the user's name from CN and the groups from each O. */
  issueClient(user: string, groups: string[]): Promise<CertificatePair>;
}

const exportKey = async (key: webcrypto.CryptoKey) => `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
const lifetime = () => ({ notBefore: new Date(Date.now() - CERTIFICATE_SKEW_MS), notAfter: new Date(Date.now() + CERTIFICATE_LIFETIME_MS) });
/** Positive, and unlike that of any other certificate. */
const serialNumber = () => `01${randomBytes(12).toString('hex')}`;

async function mint(): Promise<CertificatePair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: ['sandbox-ca'] }],
      serialNumber: serialNumber(),
      ...lifetime(),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** Goes on with `kept`, or makes a new authority. */
export async function createCertificateAuthority(kept?: CertificatePair): Promise<CertificateAuthority> {
  const pair = kept ?? (await mint());
  const authority = new X509Certificate(pair.certificate);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pair.key), ALGORITHM, false, ['sign']);

  async function issue(subject: JsonName, usages: string[], hosts: string[]): Promise<CertificatePair> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const names = hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }));
    const certificate = await X509CertificateGenerator.create(
      {
        subject,
        serialNumber: serialNumber(),
        issuer: authority.subject,
        ...lifetime(),
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension(usages),
          ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
          await AuthorityKeyIdentifierExtension.create(authority, false, webcrypto),
        ],
      },
      webcrypto,
    );
    return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
  }

  return {
    pair,
    issueServer: (name, hosts) => issue([{ CN: [name] }], [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth], hosts),
    issueClient: (user, groups) => issue([...groups.map((group) => ({ O: [group] })), { CN: [user] }], [ExtendedKeyUsage.clientAuth], []),
  };
}

/** A kubeconfig for a user of the sandbox, with a client certificate. */
import { stringify } from 'yaml';
import type { CertificateAuthority } from './authority.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** @param server `https://198.18.0.1:6443` */
export async function userKubeconfig(authority: CertificateAuthority, server: string, user: string, groups: string[] = []): Promise<string> {
  const { certificate, key } = await authority.issueClient(user, groups);
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server, 'certificate-authority-data': base64(authority.pair.certificate) } }],
    users: [{ name: user, user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
    // the name that every guide's output has
    contexts: [{ name: 'default', context: { cluster: 'sandbox', user } }],
    'current-context': 'default',
  });
}

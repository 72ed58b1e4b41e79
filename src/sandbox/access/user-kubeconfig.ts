/** A kubeconfig for a user of the sandbox, with a client certificate. */
import type { CertificateAuthority } from './authority.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** @param server `https://198.18.0.1:6443` */
export async function userKubeconfig(authority: CertificateAuthority, server: string, user: string, groups: string[] = []): Promise<string> {
  const { certificate, key } = await authority.issueClient(user, groups);
  // YAML whose text is quoted as JSON quotes it, so that no library is loaded before the sandbox is up
  const quoted = JSON.stringify;
  return `apiVersion: v1
kind: Config
clusters:
  - name: sandbox
    cluster:
      server: ${quoted(server)}
      certificate-authority-data: ${base64(authority.pair.certificate)}
users:
  - name: ${quoted(user)}
    user:
      client-certificate-data: ${base64(certificate)}
      client-key-data: ${base64(key)}
# the name that every guide's output has
contexts:
  - name: default
    context:
      cluster: sandbox
      user: ${quoted(user)}
current-context: default
`;
}

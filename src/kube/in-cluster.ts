/** The connection of a pod: its service account's files and the environment that every pod gets. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CodedError, messageOf } from '../base/errors.ts';
import type { KubeConnection } from './connection.ts';

export const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Fails with TP-KUBE-NO-CONFIG outside a pod. The token's file is read again as the kubelet rotates it. */
export async function inClusterConnection(options: { env?: Record<string, string | undefined>; dir?: string } = {}): Promise<KubeConnection> {
  const dir = options.dir ?? SERVICE_ACCOUNT_DIR;
  const host = options.env?.['KUBERNETES_SERVICE_HOST'] ?? 'kubernetes.default.svc';
  const port = options.env?.['KUBERNETES_SERVICE_PORT'] ?? '443';
  try {
    const certificateAuthority = await readFile(path.join(dir, 'ca.crt'), 'utf8');
    return {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      certificateAuthority,
      insecureSkipTlsVerify: false,
      user: { tokenFile: path.join(dir, 'token') },
      userName: 'service account of the pod',
    };
  } catch (error) {
    throw new CodedError('TP-KUBE-NO-CONFIG', `The pod's service account can't be read: ${messageOf(error)}.`, {
      cause: error,
      help: 'Set automountServiceAccountToken on the pod and its service account.',
    });
  }
}

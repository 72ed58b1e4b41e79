/** Tokens of a pod's service account, asked for again before they end. */
import { resourcePath } from '../../../kube/paths.ts';
import type { Pod } from '../../controllers/core/types.ts';
import type { NodeContext } from '../context.ts';
import { TOKEN_REFRESH_PART } from '../limits.ts';

export interface BoundToken {
  text: string;
  /** Milliseconds since 1970. */
  refreshAt: number;
}

const DEFAULT_SECONDS = 3600;

export async function requestToken(context: NodeContext, pod: Pod, audience: string | undefined, seconds = DEFAULT_SECONDS): Promise<BoundToken> {
  const { name, namespace, uid } = pod.metadata;
  const path = resourcePath('v1', 'serviceaccounts', namespace, pod.spec.serviceAccountName ?? 'default', 'token');
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: {},
    spec: {
      audiences: audience === undefined || audience === '' ? undefined : [audience],
      expirationSeconds: seconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  };
  const { status } = await context.client.request<{ status: { token: string; expirationTimestamp: string } }>('POST', path, { body });
  const now = Date.now();
  return { text: status.token, refreshAt: now + (Date.parse(status.expirationTimestamp) - now) * TOKEN_REFRESH_PART };
}

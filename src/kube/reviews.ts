/** Questions about identity and rights, and the eviction of pods. */
import type { CallOptions, KubeClient, RequestOptions } from './contract.ts';
import { resourcePath } from './paths.ts';
import { statusOf } from './status-error.ts';

type Request = <T>(method: string, path: string, options?: RequestOptions) => Promise<T>;
interface UserInfo {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

export function createReviews(request: Request): Pick<KubeClient, 'whoAmI' | 'canI' | 'reviewToken' | 'evict'> {
  const review = <T>(apiVersion: string, kind: string, plural: string, spec: unknown, call: CallOptions): Promise<T> =>
    request('POST', resourcePath(apiVersion, plural), {
      signal: call.signal,
      timeoutMs: call.timeoutMs,
      body: { apiVersion, kind, ...(spec === undefined ? {} : { spec }) },
    });

  async function selfSubject(version: string, call: CallOptions): Promise<{ username: string; groups: string[] }> {
    const answer = await review<{ status?: { userInfo?: UserInfo } }>(
      `authentication.k8s.io/${version}`,
      'SelfSubjectReview',
      'selfsubjectreviews',
      undefined,
      call,
    );
    return { username: answer.status?.userInfo?.username ?? '', groups: answer.status?.userInfo?.groups ?? [] };
  }

  return {
    async whoAmI(call = {}) {
      try {
        return await selfSubject('v1', call);
      } catch (error) {
        // v1 came with Kubernetes 1.28.
        if (statusOf(error)?.code !== 404) throw error;
        return selfSubject('v1beta1', call);
      }
    },
    async canI(attributes, call = {}) {
      const { verb, path, ...resource } = attributes;
      const spec = path === undefined ? { resourceAttributes: { verb, ...resource } } : { nonResourceAttributes: { verb, path } };
      const answer = await review<{ status?: { allowed?: boolean; reason?: string } }>(
        'authorization.k8s.io/v1',
        'SelfSubjectAccessReview',
        'selfsubjectaccessreviews',
        spec,
        call,
      );
      const reason = answer.status?.reason;
      return { allowed: answer.status?.allowed === true, ...(reason ? { reason } : {}) };
    },
    async reviewToken(token, audiences, call = {}) {
      const answer = await review<{ status?: { authenticated?: boolean; user?: UserInfo; audiences?: string[]; error?: string } }>(
        'authentication.k8s.io/v1',
        'TokenReview',
        'tokenreviews',
        { token, audiences },
        call,
      );
      const { status } = answer;
      return {
        authenticated: status?.authenticated === true,
        username: status?.user?.username ?? '',
        uid: status?.user?.uid ?? '',
        groups: status?.user?.groups ?? [],
        extra: status?.user?.extra ?? {},
        audiences: status?.audiences ?? [],
        ...(status?.error ? { error: status.error } : {}),
      };
    },
    async evict(namespace, pod, call = {}) {
      const body = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod, namespace },
        ...(call.gracePeriodSeconds === undefined ? {} : { deleteOptions: { gracePeriodSeconds: call.gracePeriodSeconds } }),
      };
      try {
        await request('POST', resourcePath('v1', 'pods', namespace, pod, 'eviction'), { signal: call.signal, timeoutMs: call.timeoutMs, body });
        return true;
      } catch (error) {
        if (statusOf(error)?.code === 429) return false;
        throw error;
      }
    },
  };
}

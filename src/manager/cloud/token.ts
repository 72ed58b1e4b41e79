/** The link's token: the Secret `telepresence-cloud`, watched by every replica, written by the one that was given another. */
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { CLOUD_SECRET, CLOUD_SECRET_KEY } from '../../protocol/cloud.ts';
import { watch } from '../watched.ts';

interface Secret {
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
}

export interface LinkToken {
  /** After the first look at the Secret. */
  readonly ready: Promise<void>;
  /** Undefined: there is none. */
  current(): string | undefined;
  onChange(listener: () => void): () => void;
  /** Writes the Secret. */
  keep(token: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

export function watchLinkToken(options: { kube: KubeClient; namespace: string; log: Log; signal: AbortSignal }): LinkToken {
  const { kube, namespace, log, signal } = options;
  const path = resourcePath('v1', 'secrets', namespace);
  const watched = watch<Secret>(kube, path, { log, signal, fieldSelector: `metadata.name=${CLOUD_SECRET}` });
  const current = (): string | undefined => {
    const text = Buffer.from(watched.get(namespace, CLOUD_SECRET)?.data?.[CLOUD_SECRET_KEY] ?? '', 'base64')
      .toString('utf8')
      .trim();
    return text === '' ? undefined : text;
  };
  return {
    ready: watched.ready,
    current,
    onChange(listener) {
      let last = current();
      return watched.subscribe(() => {
        const now = current();
        if (now === last) return;
        last = now;
        listener();
      });
    },
    async keep(token, abort) {
      const data = { [CLOUD_SECRET_KEY]: Buffer.from(token).toString('base64') };
      const metadata = { name: CLOUD_SECRET, namespace, labels: { 'app.kubernetes.io/name': 'traffic-manager' } };
      try {
        await kube.request('POST', path, { body: { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data }, signal: abort });
      } catch (error) {
        if (!(error instanceof CodedError && error.code === 'TP-KUBE-CONFLICT')) throw error;
        await kube.patch(`${path}/${CLOUD_SECRET}`, 'merge', { data }, { signal: abort });
      }
    },
    close: () => watched.close(),
  };
}

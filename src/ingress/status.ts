/** Tells in each served Ingress where it is served: `kubectl get ingress` shows it as ADDRESS. */
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { STATUS_RETRY_MS } from './limits.ts';
import { fullName, type Ingress, type Service } from './objects.ts';

export interface StatusWriter {
  /** After each change. */
  look(): void;
  close(): void;
}

export interface StatusOptions {
  kube: Pick<KubeClient, 'patch'>;
  ours(): Ingress[];
  /** The controller's own Service. */
  service(): Service | undefined;
  log: Log;
}

export function createStatusWriter({ kube, ours, service, log }: StatusOptions): StatusWriter {
  const closing = new AbortController();
  const { signal } = closing;
  let working = false;
  let again = false;
  let retry: NodeJS.Timeout | undefined;
  /** What each was told, by its uid: whom another controller tells otherwise afterwards is left to it, or both would write for ever. */
  const toldBefore = new Map<string, string>();

  async function writeAll(): Promise<void> {
    const ip = service()?.spec?.clusterIP;
    if (ip === undefined || ip === '' || ip === 'None') return;
    const all = ours();
    const there = new Set(all.map(({ metadata }) => metadata.uid));
    for (const uid of toldBefore.keys()) if (!there.has(uid)) toldBefore.delete(uid);
    for (const { metadata, status } of all) {
      const [first, ...others] = status?.loadBalancer?.ingress ?? [];
      const right = first?.ip === ip && first.hostname === undefined && others.length === 0;
      if (right || toldBefore.get(metadata.uid) === ip) {
        toldBefore.set(metadata.uid, ip);
        continue;
      }
      const path = resourcePath('networking.k8s.io/v1', 'ingresses', metadata.namespace, metadata.name, 'status');
      try {
        await kube.patch(path, 'merge', { status: { loadBalancer: { ingress: [{ ip }] } } }, { signal });
        toldBefore.set(metadata.uid, ip);
      } catch (error) {
        if (signal.aborted) return;
        // also of one that is gone: the next look does not see it any more
        log.debug('a status could not be written', { ingress: fullName(metadata), error: messageOf(error) });
        retry ??= setTimeout(() => {
          retry = undefined;
          writer.look();
        }, STATUS_RETRY_MS);
      }
    }
  }

  const writer: StatusWriter = {
    look() {
      again = true;
      if (working) return;
      working = true;
      void (async () => {
        while (again && !signal.aborted) {
          again = false;
          await writeAll();
        }
        working = false;
      })();
    },
    close() {
      closing.abort(new Error('the controller ends'));
      clearTimeout(retry);
    },
  };
  return writer;
}

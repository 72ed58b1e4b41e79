/**
 * The link to the cloud: outbound only, one from each replica, with a token that can do nothing but serve this cluster. It tells the cloud
 * which intercepts there are, ends one when the cloud says so, and carries the connections of previews to the cluster's ingress.
 * Without the setting `cloud.url` there is none. Nothing else depends on it: intercepts go on while the cloud is away.
 */

import { CodedError, messageOf } from '../../base/errors.ts';
import { backoff, sleep } from '../../base/retry.ts';
import { resourcePath } from '../../kube/index.ts';
import type { CloudLinkResult } from '../../protocol/tunnel.ts';
import type { ManagerContext, Part } from '../context.ts';
import type { DialPolicy } from '../outbound/policy.ts';
import { dialCloud, TokenRefused } from './dial.ts';
import { endIntercept, interceptView } from './intercepts.ts';
import { CLOUD_CLOSE_MS, CLOUD_REFUSED_RETRY_MS, CLOUD_RETRY_FIRST_MS, CLOUD_RETRY_MOST_MS, CLOUD_STEADY_MS } from './limits.ts';
import { serveLink } from './link.ts';
import { createPreviews } from './preview.ts';
import { watchLinkToken } from './token.ts';

export interface Cloud extends Part {
  /** Where the cloud is, as the administrator said. */
  readonly url: string | undefined;
  /**
   * Whether the link works, for a session's daemon. With a token, and only while there is none that works, tries it and keeps it when the
   * cloud takes it. Throws TP-CLOUD-NOT-LINKED when there is no cloud or `url` is another, TP-CLOUD-REFUSED for a bad token.
   */
  link(url: string, token: string | undefined, signal: AbortSignal): Promise<CloudLinkResult>;
}

export type CloudContext = Pick<ManagerContext, 'kube' | 'log' | 'settings' | 'namespace' | 'pod' | 'intercepts' | 'sessionObjects' | 'metrics' | 'agents'>;

/** Addresses are the same when they mean the same place, however they are written. */
function sameUrl(a: string, b: string): boolean {
  const plain = (url: string): string => (URL.canParse(url) ? new URL(url).href.replace(/\/$/, '') : url);
  return plain(a) === plain(b);
}

const NO_CLOUD: Cloud = {
  url: undefined,
  link: async () => {
    throw new CodedError('TP-CLOUD-NOT-LINKED', 'The traffic-manager of this cluster is not set up for a cloud (chart value cloud.url).');
  },
  close: async () => {},
};

export async function startCloud(context: CloudContext, policy: () => DialPolicy): Promise<Cloud> {
  const { kube, settings, metrics } = context;
  const { url, ca } = settings.cloud;
  if (url === undefined) return NO_CLOUD;
  const address = { url, ca };
  const log = context.log.child('cloud');
  const stop = new AbortController();
  const token = watchLinkToken({ kube, namespace: context.namespace, log, signal: stop.signal });
  /** The token that the cloud refused; another is tried at once. */
  let refused: string | undefined;
  let up = false;
  let detail: string | undefined = 'the cluster has no token for the cloud yet';
  let changed = Promise.withResolvers<void>();
  const unsubscribe = token.onChange(() => changed.resolve());

  const carried = metrics.counter('preview_streams_total', 'Connections of previews, by outcome.');
  const bytes = metrics.counter('preview_bytes_total', 'Bytes of previews, by direction.');
  metrics.gauge('cloud_linked', 'Whether this replica has its link to the cloud.', () => (up ? 1 : 0));
  const onPreview = createPreviews({
    log,
    policy,
    onEnd: (outcome, { up: sent, down }) => {
      carried.add(1, { outcome });
      bytes.add(sent, { direction: 'up' });
      bytes.add(down, { direction: 'down' });
    },
  });
  const view = interceptView(context);

  async function clusterId(): Promise<string> {
    const { metadata } = await kube.get<{ metadata: { uid: string } }>(resourcePath('v1', 'namespaces', undefined, 'kube-system'), { signal: stop.signal });
    return metadata.uid;
  }

  /** Waits for another token, at most so long. */
  async function pause(ms: number): Promise<void> {
    const over = new AbortController();
    try {
      await Promise.race([changed.promise, sleep(ms, AbortSignal.any([stop.signal, over.signal]))]);
    } finally {
      over.abort();
      changed = Promise.withResolvers();
    }
  }

  async function keepLinked(): Promise<void> {
    await token.ready;
    let attempt = 0;
    while (!stop.signal.aborted) {
      const now = token.current();
      if (now === undefined) {
        detail = 'the cluster has no token for the cloud yet';
        await pause(CLOUD_REFUSED_RETRY_MS);
        continue;
      }
      const began = performance.now();
      try {
        const socket = await dialCloud(address, now, { signal: stop.signal });
        refused = undefined;
        const other = new AbortController();
        const off = token.onChange(() => other.abort());
        const why = await serveLink(socket, {
          log,
          replica: context.pod,
          clusterId: await clusterId(),
          intercepts: view,
          endIntercept: (params, { signal }) => endIntercept({ kube, intercepts: context.intercepts, log }, params, signal),
          onPreview,
          onUp: () => {
            up = true;
            detail = undefined;
          },
          signal: AbortSignal.any([stop.signal, other.signal]),
        }).finally(off);
        if (up && !stop.signal.aborted) log.info('the link to the cloud ended', { why });
        detail = why;
      } catch (error) {
        if (stop.signal.aborted) return;
        detail = messageOf(error);
        if (error instanceof TokenRefused) refused = now;
        log[attempt === 0 ? 'warn' : 'debug']('the cloud can’t be linked', { error: detail });
      } finally {
        up = false;
      }
      if (performance.now() - began > CLOUD_STEADY_MS) attempt = 0;
      await pause(refused === now ? CLOUD_REFUSED_RETRY_MS : backoff(attempt++, CLOUD_RETRY_FIRST_MS, CLOUD_RETRY_MOST_MS));
    }
  }

  const running = keepLinked().catch((error: unknown) => {
    if (!stop.signal.aborted) log.error('the link to the cloud is given up', { error: messageOf(error) });
  });
  const works = (): boolean => up || (token.current() !== undefined && token.current() !== refused);
  const state = (): CloudLinkResult => ({ linked: works(), ...(detail === undefined ? {} : { detail }) });

  return {
    url,
    async link(wanted, offered, signal) {
      if (!sameUrl(wanted, url))
        throw new CodedError('TP-CLOUD-NOT-LINKED', `The traffic-manager of this cluster is set up for the cloud ${url}, and you are logged in to ${wanted}.`);
      await token.ready;
      if (offered === undefined || works()) return state();
      try {
        // What does not work is not kept: nobody can break the link by offering nonsense.
        const socket = await dialCloud(address, offered, { signal });
        socket.destroy();
      } catch (error) {
        if (error instanceof TokenRefused)
          throw new CodedError('TP-CLOUD-REFUSED', 'The cloud does not take the token that it made for this cluster.', { cause: error });
        throw new CodedError('TP-CLOUD-UNREACHABLE', `The traffic-manager can't reach the cloud ${url}: ${messageOf(error)}.`, { cause: error });
      }
      await token.keep(offered, signal);
      log.info('a user linked the cluster to the cloud');
      return { linked: true };
    },
    async close() {
      unsubscribe();
      stop.abort(new Error('the manager ends'));
      token.close();
      await Promise.race([running, sleep(CLOUD_CLOSE_MS)]);
    },
  };
}

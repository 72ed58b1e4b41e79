import { expect, it, vi } from 'vitest';
import { silentLog } from '../../../base/log.ts';
import type { WatchEvent } from '../../../kube/contract.ts';
import type { ClusterClient } from '../../contract.ts';
import { createCache } from './cache.ts';
import { PODS, type Pod } from './types.ts';

const pod = (resourceVersion: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'shop', uid: 'u', resourceVersion, creationTimestamp: '' },
  spec: { containers: [] },
});

it('does not believe the answer to the delete of an object whose end the watch has brought already', async () => {
  const { promise: deleted, resolve: sendDeleted } = Promise.withResolvers<void>();
  const stop = new AbortController();
  const client = {
    list: async () => ({ items: [pod('1')], resourceVersion: '1' }),
    async *watch(): AsyncGenerator<WatchEvent<Pod>> {
      await deleted;
      yield { type: 'DELETED', object: pod('3') };
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
    },
  } as unknown as ClusterClient;
  const cache = createCache(PODS, { client, log: silentLog, signal: stop.signal });
  await cache.ready;
  cache.learn(pod('2'));
  sendDeleted();
  await vi.waitUntil(() => cache.byUid('u') === undefined);
  cache.learn(pod('3'));
  expect(cache.list()).toEqual([]);
  stop.abort(new Error('the test is over'));
});

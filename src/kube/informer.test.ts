import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { createKubeClient } from './client.ts';
import type { Informer, InformerOptions } from './contract.ts';
import { type FakeApiServer, failure, sendJson, startFakeApi } from './testing/fake-api-server.ts';

interface Item {
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string };
  data?: string;
}
const item = (name: string, version: number, uid = name): Item => ({ metadata: { name, namespace: 'n', uid, resourceVersion: String(version) } });

/** A server whose list is `state` and whose open watches the test drives. */
async function listAndWatch(): Promise<
  {
    api: FakeApiServer;
    state: { items: Item[]; version: number; refuse: number | undefined; mute?: boolean };
    watches: { version: string; response: ServerResponse }[];
    next: (count: number) => Promise<void>;
  } & AsyncDisposable
> {
  const state: { items: Item[]; version: number; refuse: number | undefined; mute?: boolean } = { items: [], version: 1, refuse: undefined };
  const watches: { version: string; response: ServerResponse }[] = [];
  let wake: () => void = () => {};
  const api = await startFakeApi({
    handle: (request, response) => {
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      if (state.refuse !== undefined) sendJson(response, failure(state.refuse, 'no'), state.refuse);
      else if (query.get('watch') === null) sendJson(response, { items: state.items, metadata: { resourceVersion: String(state.version) } });
      else if (state.mute !== true) {
        expect(query.get('allowWatchBookmarks')).toBe('true');
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
        watches.push({ version: query.get('resourceVersion') ?? '', response });
      }
      wake();
    },
  });
  return {
    api,
    state,
    watches,
    /** Resolves when that many watches were opened. */
    async next(count) {
      while (watches.length < count)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

/** An informer whose changes are awaited as text, one after the other. */
function follow(api: FakeApiServer, options: Partial<InformerOptions<Item>> = {}): { informer: Informer<Item>; change: () => Promise<string> } & Disposable {
  const kube = createKubeClient(api.connection, { log: silentLog });
  const changes: string[] = [];
  let wake: () => void = () => {};
  const informer = kube.createInformer<Item>('/api/v1/things', {
    log: silentLog,
    onChange: (kind, object, old) => {
      changes.push(`${kind} ${object.metadata.name} ${object.metadata.resourceVersion}${old === undefined ? '' : ` was ${old.metadata.resourceVersion}`}`);
      wake();
    },
    ...options,
  });
  return {
    informer,
    async change() {
      for (;;) {
        const change = changes.shift();
        if (change !== undefined) return change;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.dispose]() {
      informer.close();
      kube.close();
    },
  };
}

const event = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

describe('an informer', () => {
  it('lists, then follows', async () => {
    await using server = await listAndWatch();
    server.state.items = [item('a', 1)];
    using seen = follow(server.api);
    await seen.informer.ready;
    expect(await seen.change()).toBe('added a 1');
    await server.next(1);
    const text = event('ADDED', item('b', 2)) + event('MODIFIED', item('a', 3)) + event('DELETED', item('b', 4));
    // Cut inside a line, as TCP does.
    server.watches[0]?.response.write(text.slice(0, 20));
    server.watches[0]?.response.write(text.slice(20));
    expect([await seen.change(), await seen.change(), await seen.change()]).toEqual(['added b 2', 'modified a 3 was 1', 'deleted b 4 was 2']);
    expect(seen.informer.get('n', 'a')?.metadata.resourceVersion).toBe('3');
    expect(seen.informer.list().length).toBe(1);
  });

  it('goes on from the last bookmark when the watch is cut, without listing again', async () => {
    await using server = await listAndWatch();
    using seen = follow(server.api);
    await server.next(1);
    server.watches[0]?.response.write(event('BOOKMARK', { metadata: { resourceVersion: '77' } }));
    server.watches[0]?.response.write(event('ADDED', item('a', 70)));
    await seen.change();
    server.watches[0]?.response.write(event('BOOKMARK', { metadata: { resourceVersion: '99' } }));
    server.watches[0]?.response.end();
    const opened = server.next(2);
    seen.informer.retryNow();
    await opened;
    expect(server.watches[1]?.version).toBe('99');
    expect(server.api.seen.filter((line) => !line.includes('watch=1')).length).toBe(1);
  });

  it('lists again after 410 and tells what changed in between', async () => {
    await using server = await listAndWatch();
    server.state.items = [item('gone', 1), item('same', 2), item('changed', 3), item('replaced', 4, 'first')];
    using seen = follow(server.api);
    for (let i = 0; i < 4; i++) await seen.change();
    await server.next(1);
    server.state.items = [item('same', 2), item('changed', 8), item('replaced', 9, 'second')];
    server.state.version = 10;
    server.watches[0]?.response.end(event('ERROR', failure(410, 'too old', 'Expired')));
    // A watch that ends at once is followed by a pause, which the test does not wait for.
    const changes: string[] = [];
    const collect = (async () => {
      for (let i = 0; i < 4; i++) changes.push(await seen.change());
    })();
    const nudge = setInterval(() => seen.informer.retryNow(), 10);
    await collect;
    clearInterval(nudge);
    expect(changes).toEqual(['deleted gone 1 was 1', 'modified changed 8 was 3', 'deleted replaced 4 was 4', 'added replaced 9']);
  });

  it('survives that the server goes away, and notices its return', async () => {
    await using server = await listAndWatch();
    const errors: string[] = [];
    using seen = follow(server.api, { onError: (error) => errors.push(error.code) });
    await server.next(1);
    server.state.refuse = 500;
    const refused = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        seen.informer.retryNow();
        if (!errors.includes('TP-KUBE-API')) return;
        clearInterval(timer);
        resolve();
      }, 10);
    });
    server.api.cut();
    await refused;
    expect(seen.informer.lastError?.code).toBe('TP-KUBE-API');
    server.state.refuse = undefined;
    server.state.items = [item('a', 5)];
    const nudge = setInterval(() => seen.informer.retryNow(), 10);
    expect(await seen.change()).toBe('added a 5');
    clearInterval(nudge);
  });

  it('goes on from the same version when a watch is silent: it may be dead, or nothing has changed', async () => {
    await using server = await listAndWatch();
    const errors: string[] = [];
    using seen = follow(server.api, { idleMs: 1_000, onError: (error) => errors.push(error.code) });
    const nudge = setInterval(() => seen.informer.retryNow(), 10);
    await server.next(2);
    clearInterval(nudge);
    expect(errors).toEqual([]);
    expect(server.watches[1]?.version).toBe(server.watches[0]?.version);
  });

  it('says so when a server gives no answer to a watch', async () => {
    await using server = await listAndWatch();
    server.state.mute = true;
    const failed = Promise.withResolvers<string>();
    using _seen = follow(server.api, { idleMs: 30, onError: (error) => failed.resolve(error.code) });
    expect(await failed.promise).toBe('TP-KUBE-TIMEOUT');
  });

  it('goes on over a new connection when it is told to begin anew', async () => {
    await using server = await listAndWatch();
    using seen = follow(server.api);
    await server.next(1);
    seen.informer.beginAnew();
    await server.next(2);
    expect(server.watches[1]?.version).toBe(server.watches[0]?.version);
  });

  it('keeps the projection alone', async () => {
    await using server = await listAndWatch();
    server.state.items = [{ ...item('a', 1), data: 'large' }];
    using seen = follow(server.api, { project: ({ metadata }) => ({ metadata }) });
    await seen.informer.ready;
    expect(seen.informer.list()).toEqual([item('a', 1)]);
  });

  it('rejects ready when it is closed before', async () => {
    await using server = await listAndWatch();
    server.state.refuse = 403;
    using seen = follow(server.api);
    seen.informer.close();
    await expect(seen.informer.ready).rejects.toMatchObject({ code: 'TP-CANCELLED' });
  });
});

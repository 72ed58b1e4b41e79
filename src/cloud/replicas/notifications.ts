import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { z } from 'zod';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { backoff, sleep } from '../../base/retry.ts';
import { CHANGE_KINDS, type Change, type FeedWire } from '../feed.ts';
import { DATABASE_TIMEOUT_MS, LISTEN_RETRY_MS } from '../limits.ts';

const CHANNEL = 'telepresence_cloud';
const messageSchema = z.discriminatedUnion('what', [
  z.object({ what: z.literal('change'), from: z.string(), organisationId: z.string(), kind: z.enum(CHANGE_KINDS) }),
  z.object({ what: z.literal('cut'), from: z.string(), clusterId: z.string() }),
]);

export interface Notifications {
  readonly wire: FeedWire;
  /** Tells the other replicas to cut the links of a cluster; rejects when it could not be said. */
  cut(clusterId: string): Promise<void>;
  onCut(listener: (clusterId: string) => void): void;
  close(): Promise<void>;
}

/** Listens on a connection of its own, made again whenever it is lost. */
export async function startNotifications(options: { address: string; pool: pg.Pool; log: Log }): Promise<Notifications> {
  const { address, pool, log } = options;
  const self = randomUUID();
  const stop = new AbortController();
  let onChange: (change: Change) => void = () => {};
  let onCut: (clusterId: string) => void = () => {};
  let current: pg.Client | undefined;

  const onMessage = (text: string) => {
    const message = messageSchema.safeParse(parseJson(text));
    if (!message.success) return log.warn('a notification of another replica was not understood');
    const { data } = message;
    if (data.from === self) return;
    if (data.what === 'cut') onCut(data.clusterId);
    else onChange({ organisationId: data.organisationId, kind: data.kind });
  };
  const listen = async (): Promise<{ over: Promise<void> }> => {
    const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: DATABASE_TIMEOUT_MS, keepAlive: true });
    const ended = Promise.withResolvers<void>();
    client.on('error', (error) => {
      log.warn('notifications of the database were lost', { error: messageOf(error) });
      ended.resolve();
    });
    client.on('end', () => ended.resolve());
    client.on('notification', ({ payload }) => onMessage(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      await client.end().catch((late: unknown) => log.debug('a connection ended badly', { error: messageOf(late) }));
      throw error;
    }
    current = client;
    return { over: ended.promise };
  };
  const keep = async (listening: { over: Promise<void> }): Promise<void> => {
    let { over } = listening;
    for (let attempt = 0; ; attempt++) {
      await over;
      if (stop.signal.aborted) return;
      try {
        await sleep(backoff(attempt, LISTEN_RETRY_MS.first, LISTEN_RETRY_MS.most), stop.signal);
        over = (await listen()).over;
        attempt = -1;
      } catch (error) {
        if (stop.signal.aborted) return;
        log.debug('the database does not answer', { error: messageOf(error) });
      }
    }
  };
  const kept = keep(await listen());
  const notify = (message: z.input<typeof messageSchema>) => pool.query('SELECT pg_notify($1, $2)', [CHANNEL, JSON.stringify(message)]);

  return {
    wire: {
      send: (change) => {
        notify({ what: 'change', from: self, ...change }).catch((error: unknown) => log.warn('a change could not be told', { error: messageOf(error) }));
      },
      onChange: (listener) => {
        onChange = listener;
      },
    },
    async cut(clusterId) {
      await notify({ what: 'cut', from: self, clusterId });
    },
    onCut(listener) {
      onCut = listener;
    },
    async close() {
      stop.abort(new Error('stopping'));
      await current?.end();
      await kept;
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

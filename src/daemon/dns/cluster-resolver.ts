/** The daemon's end of the tunnel's `dns` stream: queries pipelined on one stream, matched by id. */
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import { answersQuestion, createFrameReader, DnsQueryError, type DnsQuestion, frameMessage, idOf, isMessage, questionOf, withId } from '../../dns/index.ts';

/** The manager answers sooner or not at all. */
export const CLUSTER_QUERY_TIMEOUT_MS = 4000;
export const CLUSTER_QUERIES_LIMIT = 1024;

/** Sends a DNS message to the cluster's resolver. */
export interface ClusterResolver {
  /** Resolves with the whole response, with the query's id. @throws DnsQueryError */
  query(message: Buffer, options: { signal?: AbortSignal }): Promise<Buffer>;
  /** False while there is no way to the cluster: queries would fail at once. */
  readonly available: boolean;
}

interface Pending {
  id: number;
  question: DnsQuestion | undefined;
  settle(outcome: Buffer | DnsQueryError): void;
}

/** Takes over a stream on which a `dns` header was already sent. It is over when the stream is. */
export function createClusterResolver(stream: Duplex, options: { timeoutMs?: number } = {}): ClusterResolver {
  const pending = new Map<number, Pending>();
  const frames = createFrameReader();
  let over: DnsQueryError | undefined;
  let nextId = 0;

  const end = (cause?: Error) => {
    if (over !== undefined) return;
    over = new DnsQueryError('closed', `the connection to the cluster's DNS is closed${cause === undefined ? '' : `: ${messageOf(cause)}`}`, cause);
    for (const entry of pending.values()) entry.settle(over);
  };
  stream.on('data', (chunk: Buffer) => {
    for (const message of frames.push(chunk)) {
      if (!isMessage(message)) continue;
      const entry = pending.get(idOf(message));
      if (entry !== undefined && answersQuestion(message, entry.question)) entry.settle(withId(message, entry.id));
    }
  });
  stream.on('error', end);
  stream.on('close', () => end());
  stream.on('end', () => end());

  return {
    get available() {
      return over === undefined && stream.writable;
    },
    query(message, { signal }) {
      return new Promise((resolve, reject) => {
        if (over !== undefined) return reject(over);
        if (signal?.aborted === true) return reject(new DnsQueryError('aborted', 'the query was given up', signal.reason));
        if (pending.size >= CLUSTER_QUERIES_LIMIT) return reject(new DnsQueryError('overload', 'too many queries wait for the cluster'));
        do nextId = (nextId + 1) & 0xffff;
        while (pending.has(nextId));
        const id = nextId;
        const settle = (outcome: Buffer | DnsQueryError) => {
          pending.delete(id);
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          if (outcome instanceof DnsQueryError) reject(outcome);
          else resolve(outcome);
        };
        const timer = setTimeout(() => settle(new DnsQueryError('timeout', "the cluster's DNS did not answer")), options.timeoutMs ?? CLUSTER_QUERY_TIMEOUT_MS);
        const abort = () => settle(new DnsQueryError('aborted', 'the query was given up', signal?.reason));
        signal?.addEventListener('abort', abort, { once: true });
        pending.set(id, { id: idOf(message), question: questionOf(message), settle });
        stream.write(frameMessage(withId(message, id)));
      });
    },
  };
}

/** A resolver that outlives tunnels: asks whichever was set last. */
export interface SwitchableResolver extends ClusterResolver {
  set(resolver: ClusterResolver | undefined): void;
}

export function createSwitchableResolver(): SwitchableResolver {
  let current: ClusterResolver | undefined;
  let switched = new AbortController();
  return {
    get available() {
      return current?.available === true;
    },
    query(message, { signal }) {
      if (current === undefined) return Promise.reject(new DnsQueryError('closed', 'there is no connection to the cluster'));
      return current.query(message, { signal: signal === undefined ? switched.signal : AbortSignal.any([signal, switched.signal]) });
    },
    set(resolver) {
      if (resolver === current) return;
      current = resolver;
      // what waits at a resolver that was left would wait in vain
      switched.abort(new DnsQueryError('closed', 'the connection to the cluster has changed'));
      switched = new AbortController();
    },
  };
}

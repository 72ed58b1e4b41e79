/** Names looked up in the cluster: A and AAAA together, CNAMEs followed, every answer cached by its TTL. */
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  createDnsCache,
  DnsQueryError,
  type DnsRecord,
  decodeMessage,
  encodeMessage,
  foldName,
  negativeTtlOf,
  questionMessage,
  RCODE,
  sameName,
  TYPE,
  targetOf,
} from '../../dns/index.ts';
import { CLUSTER_QUERY_TIMEOUT_MS, type ClusterResolver } from './cluster-resolver.ts';

export const CLUSTER_CACHE_ENTRIES = 4096;
/** Longest that an answer is kept, whatever its TTL: Services come and go. */
export const CLUSTER_TTL_CAP_S = 30;
/** Longest that "no such name" is kept: a Service just created must be found. */
export const CLUSTER_NEGATIVE_TTL_CAP_S = 2;
/** While the cluster does not answer, names that were there are told for so long as they were: connections to them are held meanwhile. */
export const CLUSTER_STALE_MS = 3_600_000;
/** Such an answer's TTL. */
export const CLUSTER_STALE_TTL_S = 2;
/** An answer asked for when this much of its life is over is fetched again in the background. */
export const CLUSTER_REFRESH_AT = 0.75;
export const CNAME_LIMIT = 8;

export interface ClusterAnswer {
  rcode: number;
  /** Owners as the cluster wrote them: the name asked for is the name looked up. */
  answers: DnsRecord[];
  authorities: DnsRecord[];
  additionals: DnsRecord[];
  ageSeconds: number;
}

export interface ClusterLookup {
  /** The cached answer, at once; undefined when there is none. */
  peek(name: string, type: number): ClusterAnswer | undefined;
  /** @throws DnsQueryError when the cluster did not answer; SERVFAIL and REFUSED come as answers. */
  lookup(name: string, type: number, timeoutMs: number): Promise<ClusterAnswer>;
  flush(): void;
}

const exists = (answer: ClusterAnswer) => answer.rcode === RCODE.NOERROR;

function ttlMsOf(answer: ClusterAnswer): number {
  if (answer.rcode === RCODE.NOERROR && answer.answers.length > 0) {
    return Math.min(CLUSTER_TTL_CAP_S, ...answer.answers.map((record) => record.ttl)) * 1000;
  }
  if (answer.rcode !== RCODE.NOERROR && answer.rcode !== RCODE.NXDOMAIN) return 0;
  const soa = answer.authorities.map(negativeTtlOf).find((ttl) => ttl !== undefined);
  return Math.min(CLUSTER_NEGATIVE_TTL_CAP_S, soa ?? CLUSTER_NEGATIVE_TTL_CAP_S) * 1000;
}

/** Where the CNAMEs of `name` lead; undefined when an answer of `type` is there, or no CNAME is. */
function danglingCname(name: string, type: number, records: DnsRecord[]): string | undefined {
  let at = name;
  for (let hops = 0; hops < CNAME_LIMIT; hops++) {
    const here = records.filter((record) => sameName(record.name, at));
    if (here.some((record) => record.type === type)) return undefined;
    const target = here.filter((record) => record.type === TYPE.CNAME).map(targetOf)[0];
    if (target === undefined) return at === name ? undefined : at;
    at = target;
  }
  return undefined;
}

export function createClusterLookup({ cluster, log, now }: { cluster: ClusterResolver; log: Log; now?: () => number }): ClusterLookup {
  const cache = createDnsCache<ClusterAnswer>({ maxEntries: CLUSTER_CACHE_ENTRIES, ...(now && { now }) });
  const inFlight = new Map<string, Promise<ClusterAnswer>>();
  /** The last answers of names that are there, beyond their time to live. */
  const past = createDnsCache<ClusterAnswer>({ maxEntries: CLUSTER_CACHE_ENTRIES, ...(now && { now }) });
  let generation = 0;
  const keyOf = (name: string, type: number) => `${type} ${foldName(name)}`;

  async function ask(name: string, type: number, signal: AbortSignal): Promise<ClusterAnswer> {
    const query = encodeMessage(questionMessage(name, type));
    const { rcode, answers, authorities, additionals } = decodeMessage(await cluster.query(query, { signal }));
    return { rcode, answers, authorities, additionals: additionals.filter((record) => record.type !== TYPE.OPT), ageSeconds: 0 };
  }

  async function askAndFollow(name: string, type: number, signal: AbortSignal): Promise<ClusterAnswer> {
    let answer = await ask(name, type, signal);
    for (let hops = 0; hops < CNAME_LIMIT && type !== TYPE.CNAME && type !== TYPE.ANY && exists(answer); hops++) {
      const target = danglingCname(name, type, answer.answers);
      if (target === undefined) break;
      const next = await ask(target, type, signal);
      if (next.answers.length === 0) {
        answer = { ...answer, authorities: next.authorities };
        break;
      }
      answer = { ...next, answers: [...answer.answers, ...next.answers] };
    }
    return answer;
  }

  function start(name: string, type: number, fetch: () => Promise<ClusterAnswer>): Promise<ClusterAnswer> {
    const key = keyOf(name, type);
    const started = generation;
    const running = inFlight.get(key);
    if (running !== undefined) return running;
    const promise = fetch()
      .then((answer) => {
        if (generation === started) {
          cache.set(key, answer, ttlMsOf(answer));
          if (exists(answer)) past.set(key, answer, CLUSTER_STALE_MS);
          else if (answer.rcode === RCODE.NXDOMAIN) past.delete(key);
        }
        return answer;
      })
      .finally(() => {
        if (inFlight.get(key) === promise) inFlight.delete(key);
      });
    inFlight.set(key, promise);
    return promise;
  }

  function fetch(name: string, type: number, timeoutMs: number): Promise<ClusterAnswer> {
    const signal = AbortSignal.timeout(timeoutMs);
    if (type !== TYPE.A && type !== TYPE.AAAA) return start(name, type, () => askAndFollow(name, type, signal));
    const asked = new Map<number, Promise<ClusterAnswer>>();
    const once = (family: number) => {
      const promise = asked.get(family) ?? askAndFollow(name, family, signal);
      asked.set(family, promise);
      return promise;
    };
    const family = (mine: number, other: number) =>
      start(name, mine, async () => {
        const answer = await once(mine);
        if (answer.rcode !== RCODE.NXDOMAIN) return answer;
        // NXDOMAIN means that the name has nothing of any type: musl gives up on it even when the other family was found.
        const theirs = await once(other).catch(() => undefined);
        return theirs !== undefined && exists(theirs) ? { ...answer, rcode: RCODE.NOERROR } : answer;
      });
    const other = type === TYPE.A ? TYPE.AAAA : TYPE.A;
    const result = family(type, other);
    family(other, type).catch((thrown: unknown) => log.debug('the other address family was not answered', { name, error: messageOf(thrown) }));
    return result;
  }

  function peek(name: string, type: number): ClusterAnswer | undefined {
    const hit = cache.get(keyOf(name, type));
    if (hit === undefined) return undefined;
    if (hit.spent >= CLUSTER_REFRESH_AT && hit.value.answers.length > 0 && cluster.available && !inFlight.has(keyOf(name, type))) {
      fetch(name, type, CLUSTER_QUERY_TIMEOUT_MS).catch((thrown: unknown) => log.debug('could not refresh', { name, error: messageOf(thrown) }));
    }
    return { ...hit.value, ageSeconds: hit.ageSeconds };
  }

  function stale(name: string, type: number): ClusterAnswer | undefined {
    const hit = past.get(keyOf(name, type))?.value;
    return hit === undefined ? undefined : { ...hit, answers: hit.answers.map((record) => ({ ...record, ttl: CLUSTER_STALE_TTL_S })) };
  }

  return {
    peek: (name, type) => peek(name, type) ?? (cluster.available ? undefined : stale(name, type)),
    async lookup(name, type, timeoutMs) {
      const known = peek(name, type);
      if (known !== undefined) return known;
      try {
        if (!cluster.available) throw new DnsQueryError('closed', 'there is no connection to the cluster');
        return await fetch(name, type, timeoutMs);
      } catch (error) {
        const then = stale(name, type);
        if (then === undefined || !(error instanceof DnsQueryError)) throw error;
        return then;
      }
    },
    flush() {
      generation++;
      inFlight.clear();
      cache.clear();
      past.clear();
    },
  };
}

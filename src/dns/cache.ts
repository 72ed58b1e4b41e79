/** A bounded map whose entries end with their time to live; the least recently used go first when it is full. */

export interface CacheHit<V> {
  value: V;
  /** Whole seconds since it was put in, for counting TTLs down. */
  ageSeconds: number;
  /** Part of its life that is over, 0 to 1. */
  spent: number;
}

export interface DnsCache<V> {
  get(key: string): CacheHit<V> | undefined;
  /** Keeps `value` for `ttlMs`; nothing is kept when that is 0 or less. */
  set(key: string, value: V, ttlMs: number): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
}

export function createDnsCache<V>(options: { maxEntries: number; now?: () => number }): DnsCache<V> {
  const now = options.now ?? (() => performance.now());
  const entries = new Map<string, { value: V; since: number; ttlMs: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      const age = now() - entry.since;
      entries.delete(key);
      if (age >= entry.ttlMs) return undefined;
      entries.set(key, entry);
      return { value: entry.value, ageSeconds: Math.floor(age / 1000), spent: age / entry.ttlMs };
    },
    set(key, value, ttlMs) {
      entries.delete(key);
      if (ttlMs <= 0) return;
      entries.set(key, { value, since: now(), ttlMs });
      if (entries.size <= options.maxEntries) return;
      const oldest = entries.keys().next();
      if (oldest.done !== true) entries.delete(oldest.value);
    },
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
    get size() {
      return entries.size;
    },
  };
}

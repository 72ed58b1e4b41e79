/** Bounds on guessing: so many tries in so long, by address or account. Counted in PostgreSQL where there is one, else in memory. */
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from './database/index.ts';
import { RATE_LIMITS } from './limits.ts';
import { Problem } from './problem.ts';

export type RateLimit = keyof typeof RATE_LIMITS;

export interface RateLimits {
  /** Throws a 429 when `key` is used up; takes nothing. */
  check(limit: RateLimit, key: string): Promise<void>;
  /** Takes a point; throws a 429 when there was none. */
  take(limit: RateLimit, key: string): Promise<void>;
}

const MINUTE_S = 60;

export function createRateLimits(database: Database): RateLimits {
  const make = (name: RateLimit): RateLimiterAbstract => {
    const { points, seconds } = RATE_LIMITS[name];
    const bounds = { keyPrefix: name, points, duration: seconds };
    return database.pool === undefined
      ? new RateLimiterMemory(bounds)
      : new RateLimiterPostgres({ ...bounds, storeClient: database.pool, tableName: 'rate_limits', tableCreated: true, clearExpiredByTimeout: false });
  };
  const limiters = new Map((Object.keys(RATE_LIMITS) as RateLimit[]).map((name) => [name, make(name)]));
  const limiter = (name: RateLimit) => limiters.get(name) ?? make(name);
  const refuse = (msBeforeNext: number): never => {
    const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
    const wait = seconds < MINUTE_S ? `${seconds} seconds` : `${Math.ceil(seconds / MINUTE_S)} minutes`;
    throw new Problem(429, 'rate-limited', `Too many tries. Try again in ${wait}.`, { 'retry-after': String(seconds) });
  };
  return {
    async check(name, key) {
      const state = await limiter(name).get(key);
      if (state !== null && state.consumedPoints >= RATE_LIMITS[name].points) refuse(state.msBeforeNext);
    },
    async take(name, key) {
      try {
        await limiter(name).consume(key);
      } catch (error) {
        if (error instanceof RateLimiterRes) refuse(error.msBeforeNext);
        throw error;
      }
    },
  };
}

/**
 * A manager of many peers favours memory. While thousands link, V8 lets its heap grow by what it could do without, and keeps it: of a link's 18 KiB of
 * heap twice as much stays resident. Told so, it collects sooner: 58 → 40 KiB a link (docs/performance.md). A manager of few peers has its speed instead.
 */
import { setFlagsFromString } from 'node:v8';
import type { ManagerContext, Part } from './context.ts';

/** Agents, and connections of workstations: where their memory begins to be most of the process. */
export const MANY_PEERS = 1_000;
export const THRIFT_LOOK_MS = 2_000;

/** From the first time that `peers` are many on, `favourMemory` is called once. Call it every {@link THRIFT_LOOK_MS} until it returns true. */
export function thriftyFrom(peers: () => number, favourMemory: () => void): () => boolean {
  let isThrifty = false;
  return () => {
    if (isThrifty || peers() < MANY_PEERS) return isThrifty;
    favourMemory();
    isThrifty = true;
    return true;
  };
}

/** A part of the manager. */
export async function startThrift({ agents, sessions, log }: Pick<ManagerContext, 'agents' | 'sessions' | 'log'>): Promise<Part> {
  const look = thriftyFrom(
    () => agents.list().length + sessions.counts().connections,
    () => {
      log.info('many peers: from now on memory counts more than speed');
      // of the flag, what V8 looks at while it runs: by how much its heap may grow before the next collection
      setFlagsFromString('--optimize-for-size');
    },
  );
  const timer = setInterval(() => look() && clearInterval(timer), THRIFT_LOOK_MS).unref();
  return { close: async () => clearInterval(timer) };
}

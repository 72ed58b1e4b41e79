/** Names that exist outside too, but are answered by a Service while connected: for `status`. */

/** One question at a time, each name at most once in this time, so many in the queue and so many remembered. */
export const HIDDEN_RECHECK_MS = 600_000;
export const HIDDEN_QUEUE_LIMIT = 64;
export const HIDDEN_REMEMBERED = 1024;

export interface HiddenNames {
  /** The cluster answered this name. Returns at once; whether it exists outside is asked in the background. */
  note(name: string): void;
  names(): string[];
  clear(): void;
}

/** @param existsOutside must not throw, and must end by itself. */
export function createHiddenNames(existsOutside: (name: string) => Promise<boolean>, now: () => number = () => performance.now()): HiddenNames {
  const checked = new Map<string, { at: number; hidden: boolean }>();
  const queue = new Set<string>();
  let working = false;
  let generation = 0;

  async function work(): Promise<void> {
    working = true;
    for (const name of queue) {
      queue.delete(name);
      const started = generation;
      const hidden = await existsOutside(name);
      if (generation !== started) continue;
      checked.delete(name);
      checked.set(name, { at: now(), hidden });
      if (checked.size > HIDDEN_REMEMBERED) checked.delete(checked.keys().next().value as string);
    }
    working = false;
  }

  return {
    note(name) {
      const last = checked.get(name);
      if (queue.has(name) || queue.size >= HIDDEN_QUEUE_LIMIT || (last !== undefined && now() - last.at < HIDDEN_RECHECK_MS)) return;
      queue.add(name);
      if (!working) void work();
    },
    names: () =>
      [...checked]
        .filter(([, { hidden }]) => hidden)
        .map(([name]) => name)
        .sort(),
    clear() {
      generation++;
      checked.clear();
      queue.clear();
    },
  };
}

/**
 * The programs of a workstation do nothing most of the day, and V8 collects only where something is made: what a start, or a flow, has left behind
 * would stay for hours. After work, once a program rests, all of that is given back: after a start 15 MiB of the daemon's, 8 of netd's.
 */

/** How often that is looked at. */
export const MEMORY_LOOK_MS = 2_000;
/** Processor time in one such look, in ms, up to which a program rests: the daemon's heartbeats take a tenth of it. */
export const RESTING_CPU_MS = 40;
/** Processor time worked, in ms, since memory was given back last: the collection itself takes 30 to 60. */
export const WORKED_CPU_MS = 500;

/** Processor time of this process so far, in ms. */
function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Node has `gc` where it was started with --expose-gc (src/base/node-flags.ts). */
function collectAll(): void {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
}

/** Looks from now on, and takes what was before for work. Returns what ends it. */
export function giveBackWhenIdle({ cpu = ownCpu, collect = collectAll } = {}): () => void {
  let before = cpu();
  let worked = WORKED_CPU_MS;
  const look = (): void => {
    const now = cpu();
    const used = now - before;
    before = now;
    if (used > RESTING_CPU_MS) worked += used;
    else if (worked >= WORKED_CPU_MS) {
      collect();
      worked = 0;
      before = cpu();
    }
  };
  const timer = setInterval(look, MEMORY_LOOK_MS).unref();
  return () => clearInterval(timer);
}

/** How long the other end of a tunnel's connection has been silent: the same for managers, that watch workstations, and agents. */
import type { Mux, MuxStream } from '../mux/index.ts';
import { SILENCE_DEAD_MS, SILENCE_LOST_MS, SILENCE_PROBE_MS, SILENCE_TICK_MS, STOOD_STILL_MS } from './limits.ts';

export interface Liveness {
  /** Looks at the connection; returns what has to happen. */
  tick(now: number): 'alive' | 'lost' | 'dead';
  readonly alive: boolean;
  /** Watches a stream that was just opened: if the connection turns out to have been lost by then, it is reset, for the workstation has nothing of it. */
  watch(stream: MuxStream, now: number): void;
}

/**
 * Any byte counts as life: a ping's answer may wait behind bulk data on a slow line.
 * @param connection `heardAt`: when the last byte came, on the clock of `start` and of the ticks
 */
export function createLiveness(connection: { readonly mux: Mux; heardAt(): number }, start: number): Liveness {
  let alive = true;
  let asking = false;
  const opened = new Map<MuxStream, number>();
  const heardAt = () => Math.max(start, connection.heardAt());
  const ask = () => {
    asking = true;
    const done = () => {
      asking = false;
    };
    // A ping fails when the session ends, and whoever ticks hears of that from `mux.closed`.
    connection.mux.ping().then(done, done);
  };
  return {
    get alive() {
      return alive;
    },
    watch(stream, now) {
      opened.set(stream, now);
      stream.once('close', () => opened.delete(stream));
    },
    tick(now) {
      const heard = heardAt();
      const silent = now - heard;
      if (silent >= SILENCE_PROBE_MS && !asking) ask();
      alive = silent < SILENCE_LOST_MS;
      for (const [stream, time] of opened) {
        if (time < heard) opened.delete(stream);
        else if (!alive) stream.reset('gone');
      }
      return silent >= SILENCE_DEAD_MS ? 'dead' : alive ? 'alive' : 'lost';
    },
  };
}

/**
 * Looks at silence every {@link SILENCE_TICK_MS}; not when this process stood still: what came meanwhile is not read yet, and nobody was silent.
 * It keeps no process alive. @returns ends it
 */
export function watchSilence(look: () => void, tickMs = SILENCE_TICK_MS): () => void {
  let lookedAt = performance.now();
  const timer = setInterval(() => {
    const gap = performance.now() - lookedAt;
    lookedAt += gap;
    if (gap <= tickMs + STOOD_STILL_MS) look();
  }, tickMs).unref();
  return () => clearInterval(timer);
}

/** One connection of a session's tunnel, and how long its workstation has been silent on it. */
import type { Mux, MuxStream } from '../../mux/index.ts';
import type { Hello } from '../../protocol/tunnel.ts';

/** How often silence is looked at. */
export const SILENCE_TICK_MS = 500;
/** A look that comes so much too late shows that this process had no time, not that workstations are silent. */
export const STOOD_STILL_MS = 500;
/** After this long without a byte the workstation is asked (ping). */
export const SILENCE_PROBE_MS = 1_500;
/** After this long a connection takes no more intercepted connections: the cluster's app answers instead. */
export const SILENCE_LOST_MS = 3_000;
/**
 * After this long a connection is ended. Longer than the workstation's own patience: it decides, and streams that outlive
 * a short cut must not be ended from here.
 */
export const SILENCE_DEAD_MS = 45_000;

/** What a connection says of itself; the registry reads it at each tick. */
export interface TunnelConnection {
  readonly kind: Hello['kind'];
  readonly mux: Mux;
  /** When the last byte came from the workstation, on the registry's clock. */
  heardAt(): number;
  /** Notifies on the control stream, where there is one. */
  notify(method: string, params: unknown): void;
}

export interface Liveness {
  /** Looks at the connection; returns what has to happen. */
  tick(now: number): 'alive' | 'lost' | 'dead';
  readonly alive: boolean;
  /** Watches a stream that was just opened: if the connection turns out to have been lost by then, it is reset, for the workstation has nothing of it. */
  watch(stream: MuxStream, now: number): void;
}

/** Any byte counts as life: a ping's answer may wait behind bulk data on a slow line. */
export function createLiveness(connection: TunnelConnection, start: number): Liveness {
  let alive = true;
  let asking = false;
  const opened = new Map<MuxStream, number>();
  const heardAt = () => Math.max(start, connection.heardAt());
  const ask = () => {
    asking = true;
    const done = () => {
      asking = false;
    };
    // A ping fails when the session ends, and the registry hears of that from `mux.closed`.
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

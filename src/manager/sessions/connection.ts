/** One connection of a session's tunnel, and how long its workstation has been silent on it. */
import type { Mux } from '../../mux/index.ts';
import type { Hello } from '../../protocol/tunnel.ts';

/** How often silence is looked at. */
export const SILENCE_TICK_MS = 500;
/** After this long without a byte the workstation is asked (ping). */
export const SILENCE_PROBE_MS = 1_500;
/** After this long a connection takes no more intercepted connections: the cluster's app answers instead. */
export const SILENCE_LOST_MS = 4_000;
/**
 * After this long a connection is ended. Longer than the workstation's own patience: it decides, and streams that outlive
 * a short cut must not be ended from here.
 */
export const SILENCE_DEAD_MS = 45_000;

/** What a connection says of itself; the registry reads it at each tick. */
export interface TunnelConnection {
  readonly kind: Hello['kind'];
  readonly mux: Mux;
  /** Bytes that ever came from the workstation. */
  bytesRead(): number;
  /** Notifies on the control stream, where there is one. */
  notify(method: string, params: unknown): void;
}

export interface Liveness {
  /** Looks at the connection; returns what has to happen. */
  tick(now: number): 'alive' | 'lost' | 'dead';
  readonly alive: boolean;
}

/** Any byte counts as life: a ping's answer may wait behind bulk data on a slow line. */
export function createLiveness(connection: TunnelConnection, start: number): Liveness {
  let heardAt = start;
  let read = connection.bytesRead();
  let alive = true;
  let asking = false;
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
    tick(now) {
      const bytes = connection.bytesRead();
      if (bytes !== read) {
        read = bytes;
        heardAt = now;
      }
      const silent = now - heardAt;
      if (silent >= SILENCE_PROBE_MS && !asking) ask();
      alive = silent < SILENCE_LOST_MS;
      return silent >= SILENCE_DEAD_MS ? 'dead' : alive ? 'alive' : 'lost';
    },
  };
}

import type { Socket } from 'node:net';

/** What an intercept does with a port's connections: one implementation for each mechanism. */
export interface Taker {
  /** Takes over an accepted connection of which nothing was read yet (it is paused). Resolves when it is over; never rejects. */
  take(client: Socket): Promise<void>;
}

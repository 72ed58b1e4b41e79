/** Two connections made one: bytes both ways with back-pressure, each end's end passed on, a failure of one ends both. */
import type { Duplex } from 'node:stream';

export function join(one: Duplex, other: Duplex): void {
  const couple = (from: Duplex, to: Duplex) => {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      if (!from.readableEnded) to.destroy();
    });
  };
  couple(one, other);
  couple(other, one);
}

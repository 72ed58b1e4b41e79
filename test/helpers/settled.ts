import { expect } from 'vitest';

/** Resolves with what `read` gives when it is above 0 and stays as it is for a while. */
export async function settled(read: () => number, timeout: number): Promise<number> {
  let last = -1;
  await expect
    .poll(
      () => {
        const same = read() === last && last > 0;
        last = read();
        return same;
      },
      { interval: 150, timeout },
    )
    .toBe(true);
  return last;
}

/** Connections that have not proved whose they are. */

export interface Unproven {
  /**
   * Takes one in. Where there are too many, of its address or at all, the oldest gives way, not the newest: an honest workstation proves
   * itself within a round trip, so that those who wait long are others, and they lock nobody out.
   * @param end ends the connection  @returns to be called when it has proved itself or is closed
   */
  admit(address: string, end: () => void): () => void;
  readonly count: number;
}

export function createUnproven(limits: { each: number; all: number }): Unproven {
  const byAddress = new Map<string, Set<() => void>>();
  let count = 0;

  function drop(address: string, end: () => void): void {
    const ends = byAddress.get(address);
    if (ends?.delete(end) !== true) return;
    count--;
    if (ends.size === 0) byAddress.delete(address);
  }
  function endOldest(address: string): void {
    const [oldest] = byAddress.get(address) ?? [];
    if (oldest === undefined) return;
    drop(address, oldest);
    oldest();
  }

  return {
    get count() {
      return count;
    },
    admit(address, end) {
      const ends = byAddress.get(address) ?? new Set();
      byAddress.set(address, ends.add(end));
      count++;
      if (ends.size > limits.each) endOldest(address);
      if (count > limits.all) endOldest([...byAddress].reduce((most, one) => (one[1].size > most[1].size ? one : most))[0]);
      return () => drop(address, end);
    },
  };
}

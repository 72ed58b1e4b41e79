import { formatIp, ipFromBytes } from '../../net/index.ts';

/** Hands out the addresses of an IPv4 subnet in turn, so that one that was given back rests as long as can be. */
export interface AddressPool {
  /** @throws when all are taken. */
  take(): string;
  release(address: string): void;
}

/** `first` and `last` are numbers within the subnet. */
export function createAddressPool(base: string, first: number, last: number): AddressPool {
  const start = Buffer.from(base.split('.').map(Number)).readUInt32BE(0);
  const taken = new Set<string>();
  let next = first;
  const addressAt = (index: number): string => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(start + index, 0);
    return formatIp(ipFromBytes(bytes));
  };
  return {
    take() {
      for (let tries = first; tries <= last; tries++) {
        const address = addressAt(next);
        next = next === last ? first : next + 1;
        if (taken.has(address)) continue;
        taken.add(address);
        return address;
      }
      throw new Error(`all addresses of ${base} are taken`);
    },
    release: (address) => void taken.delete(address),
  };
}

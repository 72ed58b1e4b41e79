/** Derives CIDRs from what the API server shows. Pure. */
import { isIP } from 'node:net';
import { canonicalAddress } from '../outbound/policy.ts';

/** Coverings never join addresses that differ within this many leading bits, and never are narrower than the second number. */
export const COVER_BITS = { 4: { widest: 16, narrowest: 24 }, 6: { widest: 48, narrowest: 64 } } as const;

interface Prefix {
  family: 4 | 6;
  value: bigint;
  bits: number;
}

const width = (family: 4 | 6) => (family === 4 ? 32 : 128);

function toValue(address: string): { family: 4 | 6; value: bigint } | undefined {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return undefined;
  if (isIP(canonical) === 4) return { family: 4, value: canonical.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

function mask(prefix: Prefix): Prefix {
  const drop = BigInt(width(prefix.family) - prefix.bits);
  return { ...prefix, value: (prefix.value >> drop) << drop };
}

function toText({ family, value, bits }: Prefix): string {
  if (family === 4) return `${[24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')}/${bits}`;
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16));
  return `${canonicalAddress(groups.join(':')) ?? groups.join(':')}/${bits}`;
}

function parse(cidr: string): Prefix | undefined {
  const [address = '', length] = cidr.split('/');
  const parsed = toValue(address);
  if (parsed === undefined || isIP(address) !== parsed.family) return undefined;
  const bits = length === undefined ? width(parsed.family) : Number(length);
  if (!Number.isInteger(bits) || bits < 0 || bits > width(parsed.family)) return undefined;
  return mask({ ...parsed, bits });
}

/** The fewest CIDRs that are exactly the union of the given ones, sorted. What is no CIDR is left out. */
export function aggregate(cidrs: Iterable<string>): string[] {
  const order = (a: Prefix, b: Prefix) => a.family - b.family || (a.value < b.value ? -1 : a.value > b.value ? 1 : a.bits - b.bits);
  const done: Prefix[] = [];
  for (const next of [...cidrs]
    .map(parse)
    .filter((prefix) => prefix !== undefined)
    .sort(order)) {
    let current = next;
    for (;;) {
      const last = done.at(-1);
      if (last === undefined || last.family !== current.family) break;
      if (mask({ ...current, bits: Math.min(last.bits, current.bits) }).value === last.value && last.bits <= current.bits) {
        current = last;
        done.pop();
        continue;
      }
      const parent = mask({ ...last, bits: last.bits - 1 });
      if (last.bits !== current.bits || last.bits === 0 || mask({ ...current, bits: current.bits - 1 }).value !== parent.value) break;
      done.pop();
      current = parent;
    }
    done.push(current);
  }
  return done.map(toText);
}

/** CIDRs that contain every address, for clusters that don't say what their ranges are. Wider than need be, within {@link COVER_BITS}. */
export function cover(addresses: Iterable<string>): string[] {
  const groups = new Map<string, { family: 4 | 6; low: bigint; high: bigint }>();
  for (const address of addresses) {
    const parsed = toValue(address);
    if (parsed === undefined) continue;
    const group = toText(mask({ ...parsed, bits: COVER_BITS[parsed.family].widest }));
    const known = groups.get(group);
    if (known === undefined) groups.set(group, { family: parsed.family, low: parsed.value, high: parsed.value });
    else {
      if (parsed.value < known.low) known.low = parsed.value;
      if (parsed.value > known.high) known.high = parsed.value;
    }
  }
  return aggregate(
    [...groups.values()].map(({ family, low, high }) => {
      let bits: number = COVER_BITS[family].narrowest;
      while (bits > COVER_BITS[family].widest && mask({ family, value: low, bits }).value !== mask({ family, value: high, bits }).value) bits -= 1;
      return toText(mask({ family, value: low, bits }));
    }),
  );
}

/** The ranges named in the API server's refusal of a Service whose address can't be: `The range of valid IPs is 10.96.0.0/16`. */
export function rangesInMessage(message: string): string[] {
  const found = /valid IPs is ([^\s"]+(?:,\s*[^\s"]+)*)/.exec(message)?.[1] ?? '';
  return aggregate(found.split(/,\s*/).map((part) => part.replace(/\.$/, '')));
}

/** Changes to recorded bytes, and ways to cut them. */
import type { Random } from './random.ts';

const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff];
const WIDE_EDGES = [0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** A copy with a few bytes changed, cut out, doubled or put in; words of `dictionary` among them. */
export function mutate(random: Random, bytes: Buffer, dictionary: readonly Buffer[] = []): Buffer {
  let result = Buffer.from(bytes);
  for (let times = random.int(1, 4); times > 0; times--) {
    const at = random.int(0, Math.max(0, result.length - 1));
    const length = random.int(0, Math.min(16, result.length - at));
    switch (random.int(0, 6)) {
      case 0:
        if (result.length > 0) result[at] = random.pick(EDGES);
        break;
      case 1:
        if (result.length > 0) result[at] = (result[at] as number) ^ (1 << random.int(0, 7));
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)]);
        break;
      case 3:
        result = Buffer.concat([result.subarray(0, at + length), result.subarray(at)]);
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, at), random.bytes(random.int(1, 8)), result.subarray(at)]);
        break;
      case 5:
        if (dictionary.length > 0) result = Buffer.concat([result.subarray(0, at), random.pick(dictionary), result.subarray(at + length)]);
        break;
      default:
        if (result.length >= at + 4) result.writeUInt32BE(edge(random), at);
        else if (result.length >= at + 2) result.writeUInt16BE(edge(random) & 0xffff, at);
    }
  }
  return result;
}

export function edge(random: Random): number {
  return random.chance(0.7) ? random.pick(WIDE_EDGES) : random.int(0, 0xffff_ffff);
}

/** The bytes in pieces: whole, cut at a few places, or one by one. */
export function cut(random: Random, bytes: Buffer): Buffer[] {
  if (random.chance(0.4) || bytes.length < 2) return [bytes];
  if (bytes.length <= 256 && random.chance(0.2)) return [...bytes.keys()].map((at) => bytes.subarray(at, at + 1));
  const cuts = Array.from({ length: random.int(1, 4) }, () => random.int(0, bytes.length)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length)).filter(({ length }) => length > 0);
}

/** Mux frames as data: cut out of recorded bytes, changed, put together again. */
import { encodeFrame, FLAG, FRAME, HEADER_BYTES } from '../../src/mux/frame.ts';
import { edge, mutate } from './mutate.ts';
import type { Random } from './random.ts';

export interface Frame {
  type: number;
  flags: number;
  id: number;
  length: number;
  payload: Buffer;
}

/** The whole frames at the beginning of `bytes`. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const type = bytes.readUInt8(at + 1);
    const length = bytes.readUInt32BE(at + 8);
    const end = at + HEADER_BYTES + (type === FRAME.data ? length : 0);
    if (end > bytes.length) break;
    frames.push({ type, flags: bytes.readUInt16BE(at + 2), id: bytes.readUInt32BE(at + 4), length, payload: bytes.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return frames;
}

export function bytesOf({ type, flags, id, length, payload }: Frame): Buffer {
  return encodeFrame(type, flags, id, length, payload);
}

const data = (id: number, flags: number, payload: Buffer): Frame => ({ type: FRAME.data, flags, id, length: payload.length, payload });

/** Streams end to end: many of one kind, as somebody sends who means harm. */
function flood(random: Random, firstId: number): Frame[] {
  const count = random.int(50, 600);
  const many = (make: (i: number) => Frame) => Array.from({ length: count }, (_, i) => make(i));
  const empty = Buffer.alloc(0);
  switch (random.int(0, 4)) {
    case 0:
      return many((i) => ({ type: FRAME.ping, flags: random.pick([FLAG.syn, FLAG.ack]), id: 0, length: i, payload: empty }));
    case 1:
      return many((i) => data(firstId + 2 * i, FLAG.syn, random.chance(0.5) ? empty : random.bytes(3)));
    case 2:
      return many((i) => data(firstId + 2 * (i >> 1), i % 2 === 0 ? FLAG.syn : FLAG.rst, empty));
    case 3:
      return [data(firstId, FLAG.syn, empty), ...many(() => data(firstId, 0, Buffer.of(65)))];
    default:
      return many(() => ({ type: FRAME.windowUpdate, flags: 0, id: firstId, length: 0x00ff_ffff, payload: empty }));
  }
}

/** A conversation that begins like a recorded one and then goes wrong. @param firstId the lowest stream id that this side may open */
export function wrong(random: Random, recorded: readonly Frame[], firstId: number, dictionary: readonly Buffer[]): Buffer[] {
  const begin = recorded.slice(0, random.int(0, recorded.length));
  const out = begin.map(bytesOf);
  const highest = Math.max(firstId, ...begin.filter(({ id }) => id % 2 === firstId % 2).map(({ id }) => id));
  for (let count = random.int(1, 12); count > 0; count--) {
    const frame = { ...random.pick(recorded) };
    switch (random.int(0, 9)) {
      case 0:
        frame.flags = random.int(0, 15);
        break;
      case 1:
        frame.id = random.pick([0, 1, 2, highest, highest + 2, highest + 1, edge(random)]);
        break;
      case 2:
        frame.type = random.int(0, 4);
        break;
      case 3:
        frame.length = edge(random);
        break;
      case 4:
      case 5:
        frame.payload = mutate(random, frame.payload, dictionary);
        frame.length = frame.payload.length;
        break;
      case 6: {
        // a stream of its own with a recorded beginning
        const opening = random.pick(recorded.filter(({ flags }) => (flags & FLAG.syn) !== 0));
        out.push(bytesOf({ ...opening, id: highest + 2 * count, payload: random.chance(0.5) ? opening.payload : mutate(random, opening.payload, dictionary) }));
        continue;
      }
      case 7:
        out.push(...flood(random, highest + 2).map(bytesOf));
        continue;
      case 8:
        out.push(random.bytes(random.int(1, 40)));
        continue;
    }
    const bytes = bytesOf(frame);
    out.push(random.chance(0.1) ? mutate(random, bytes) : bytes);
  }
  return out;
}

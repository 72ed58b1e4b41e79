import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildUdp, buildUnreachable, foldChecksum, mayAnswerWithError, parsePacket, parseUdp, sumWords, udpRoom } from './ip-packet.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const addresses = fc.constantFrom(4, 16).chain((length) => fc.tuple(bytes(length), bytes(length)));
const port = fc.integer({ min: 0, max: 65_535 });

/** RFC 1071: the words with their checksum among them sum up to all ones. */
const verifies = (sum: number) => foldChecksum(sum) === 0;

describe('a built datagram', () => {
  it('is read back, and its checksums verify', () => {
    fc.assert(
      fc.property(addresses, port, port, fc.uint8Array({ maxLength: 300 }), ([source, destination], from, to, data) => {
        const packet = buildUdp(source, from, destination, to, data);
        const parsed = parsePacket(packet);
        const udp = parsed && parseUdp(parsed);
        expect(udp).toMatchObject({ source, destination, sourcePort: from, destinationPort: to, data: Buffer.from(data), protocol: 17 });
        if (source.length === 4) expect(verifies(sumWords(packet, 0, 20))).toBe(true);
        expect(verifies(sumWords(source) + sumWords(destination) + 17 + data.length + 8 + sumWords(packet, source.length === 4 ? 20 : 40))).toBe(true);
      }),
    );
  });

  it('holds the largest payload of its version', () => {
    expect(udpRoom(4)).toBe(65_507);
    expect(udpRoom(6)).toBe(65_487);
    expect(buildUdp(Buffer.alloc(4), 1, Buffer.alloc(4), 2, Buffer.alloc(65_507)).length).toBe(65_535);
  });
});

it('reading takes any bytes without throwing, and gives only what is inside them', () => {
  const near = fc
    .tuple(addresses, fc.uint8Array({ maxLength: 60 }), fc.nat(80), fc.nat(79), fc.nat(255))
    .map(([[source, destination], data, cut, at, value]) => {
      const packet = buildUdp(source, 1, destination, 2, data);
      if (at < packet.length) packet[at] = value;
      return packet.subarray(0, cut);
    });
  fc.assert(
    fc.property(fc.oneof(near, bytes(64)), (packet) => {
      const parsed = parsePacket(packet);
      if (parsed === undefined) return;
      expect(parsed.payload.length).toBeLessThanOrEqual(packet.length - 20);
      parseUdp(parsed);
      if (mayAnswerWithError(parsed))
        expect(parsePacket(buildUnreachable(packet, parsed, 'port'))).toMatchObject({ source: parsed.destination, destination: parsed.source });
    }),
    { numRuns: 2_000 },
  );
});

it('an unreachable quotes the packet, and its checksum verifies', () => {
  const v4 = buildUnreachable(
    buildUdp(Buffer.of(10, 0, 0, 1), 5, Buffer.of(10, 96, 0, 1), 6, Buffer.alloc(2_000)),
    { version: 4, source: Buffer.of(10, 0, 0, 1), destination: Buffer.of(10, 96, 0, 1) },
    'port',
  );
  expect(v4.length).toBe(576);
  expect([...v4.subarray(20, 22)]).toEqual([3, 3]);
  expect(verifies(sumWords(v4, 20))).toBe(true);
});

it('no error is sent about errors, nor to many', () => {
  const about = (packet: Buffer) => {
    const parsed = parsePacket(packet);
    return parsed !== undefined && mayAnswerWithError(parsed);
  };
  const error = buildUnreachable(Buffer.alloc(28), { version: 4, source: Buffer.of(10, 0, 0, 1), destination: Buffer.of(10, 0, 0, 2) }, 'port');
  expect(about(error)).toBe(false);
  expect(about(buildUdp(Buffer.of(10, 0, 0, 1), 1, Buffer.of(224, 0, 0, 1), 2, Buffer.alloc(1)))).toBe(false);
  expect(about(buildUdp(Buffer.of(10, 0, 0, 1), 1, Buffer.of(10, 0, 0, 2), 2, Buffer.alloc(1)))).toBe(true);
});

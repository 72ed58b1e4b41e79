/** Datagrams: their framing on streams, and the packets that the TUN gives. */

import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createFrameCutter } from '../../../src/base/framing.ts';
import { buildUdp, parsePacket, parseUdp } from '../../../src/daemon/capture/ip-packet.ts';
import { createDatagramStream } from '../../../src/tunnel/index.ts';
import { cut, mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { FuzzTarget } from '../run.ts';

/** The framing as its definition reads it, without any care for speed. */
function expected(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    found.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return found;
}

function framed(random: Random): Buffer {
  const parts = Array.from({ length: random.int(0, 12) }, () => {
    const length = random.chance(0.1) ? random.int(0, 0xffff) : random.int(0, 60);
    const header = Buffer.allocUnsafe(2);
    header.writeUInt16BE(length);
    return Buffer.concat([header, Buffer.alloc(length, random.int(0, 255))]);
  });
  const whole = Buffer.concat(parts);
  return random.chance(0.5) ? whole : mutate(random, whole);
}

const framing: FuzzTarget = {
  name: 'datagrams',
  about: 'framed datagrams of either side, and packets of programs at the workstation',
  start: () => ({
    async one(random, trail) {
      for (let count = 0; count < 20; count++) {
        const bytes = framed(random);
        trail.note('framed', bytes);
        const got: Buffer[] = [];
        const parse = createFrameCutter((datagram) => got.push(Buffer.from(datagram)));
        for (const piece of cut(random, bytes)) parse(piece);
        const wanted = expected(bytes);
        if (got.length !== wanted.length || got.some((datagram, i) => !datagram.equals(wanted[i] as Buffer))) throw new Error('the pieces matter');
      }
      for (let count = 0; count < 50; count++) {
        const version = random.pick([4, 16]);
        const packet = buildUdp(random.bytes(version), random.int(0, 0xffff), random.bytes(version), random.int(0, 0xffff), random.bytes(random.int(0, 40)));
        const bytes = random.chance(0.1) ? random.bytes(random.int(0, 60)) : mutate(random, packet);
        trail.note('packet', bytes);
        const parsed = parsePacket(bytes);
        const udp = parsed === undefined ? undefined : parseUdp(parsed);
        if (udp !== undefined && udp.data.length > bytes.length) throw new Error('more data than bytes');
      }
      const [near, far] = duplexPair();
      const stream = createDatagramStream(near);
      let sent = 0;
      for (let count = 0; count < 40; count++) if (stream.send(Buffer.alloc(random.int(0, 70_000)))) sent++;
      let got = 0;
      if (random.chance(0.5)) createDatagramStream(far).onDatagram(() => got++);
      if (near.writableLength > 1024 * 1024) throw new Error(`${near.writableLength} bytes wait for who does not read`);
      stream.close();
      for (let turns = 0; turns < 200 && got < sent && far.listenerCount('data') > 0; turns++) await turn();
      if (far.listenerCount('data') > 0 && got !== sent) throw new Error(`${got} of ${sent} datagrams came`);
      far.destroy();
      near.destroy();
    },
    close: () => undefined,
  }),
};

export const datagrams: FuzzTarget[] = [framing];

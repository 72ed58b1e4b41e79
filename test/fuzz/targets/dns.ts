/** DNS: what programs of the workstation ask, and what the cluster's DNS, or who plays it, answers. */
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLog } from '../../../src/base/log.ts';
import { createClusterLookup } from '../../../src/daemon/dns/cluster-lookup.ts';
import { createClusterResolver } from '../../../src/daemon/dns/index.ts';
import {
  addressRecord,
  answersQuestion,
  CLASS,
  createFrameReader,
  DnsFormatError,
  type DnsMessage,
  DnsQueryError,
  type DnsRecord,
  decodeMessage,
  encodeMessage,
  errorReply,
  frameMessage,
  isMessage,
  optRecord,
  questionMessage,
  questionOf,
  RCODE,
  TYPE,
} from '../../../src/dns/index.ts';
import { serveDnsStream } from '../../../src/manager/dns/index.ts';
import { cut, mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { FuzzTarget, Trail } from '../run.ts';

const NAMES = ['web.shop', 'web.shop.svc.cluster.local', 'a.b.c.d.e.f', 'x'.repeat(63), '', 'Tür.example', '*.shop', '_http._tcp.web.shop'];
const TYPES = [TYPE.A, TYPE.AAAA, TYPE.CNAME, TYPE.SOA, TYPE.SRV, TYPE.TXT, TYPE.PTR, TYPE.ANY, 65, 0xffff];
const WORDS = [Buffer.of(0xc0, 0x0c), Buffer.of(0xc0, 0), Buffer.of(0xff, 0xff), Buffer.of(63), Buffer.of(64), Buffer.from('\x03web\x04shop\x00', 'latin1')];
const TURNS = 60;

const query = (random: Random): DnsMessage => ({ ...questionMessage(random.pick(NAMES), random.pick(TYPES)), id: random.int(0, 0xffff) });
function answer(random: Random, to: DnsMessage): DnsMessage {
  const name = to.questions[0]?.name ?? '';
  const records: (DnsRecord | undefined)[] = Array.from({ length: random.int(0, 20) }, () => {
    switch (random.int(0, 3)) {
      case 0:
        return addressRecord(name, '10.96.0.1', random.int(0, 60));
      case 1:
        return addressRecord(name, 'fd00::1', 5);
      case 2:
        return { name, type: TYPE.CNAME, class: CLASS.IN, ttl: 5, data: [random.pick(NAMES)] };
      default:
        return { name, type: TYPE.TXT, class: CLASS.IN, ttl: 5, data: [Buffer.from('\x05hello', 'latin1')] };
    }
  });
  const made = records.filter((record) => record !== undefined);
  return {
    ...to,
    response: true,
    rcode: random.pick([0, 0, 0, RCODE.NXDOMAIN, RCODE.SERVFAIL]),
    answers: made,
    additionals: random.chance(0.5) ? [optRecord()] : [],
  };
}

/** A message that is whole, or was, as bytes. */
function bytes(random: Random, trail: Trail, message: DnsMessage): Buffer {
  const whole = encodeMessage(message);
  const result = random.chance(0.15) ? whole : mutate(random, whole, WORDS);
  trail.note('message', result);
  return result;
}

/** Decoding throws nothing else than DnsFormatError, and what is decoded means the same when it is encoded again. */
function codec(message: Buffer): void {
  questionOf(message);
  if (isMessage(message)) {
    const reply = errorReply(message, RCODE.SERVFAIL);
    decodeMessage(reply);
    answersQuestion(message, questionOf(reply));
  }
  let decoded: DnsMessage;
  try {
    decoded = decodeMessage(message);
  } catch (error) {
    if (error instanceof DnsFormatError) return;
    throw error;
  }
  let again: Buffer;
  try {
    again = encodeMessage(decoded);
  } catch (error) {
    // names that pointers made long may no longer fit
    if (error instanceof DnsFormatError) return;
    throw error;
  }
  const twice = decodeMessage(again);
  if (!twice.truncated && !encodeMessage(twice).equals(again)) throw new Error('a message changes its meaning when it is encoded');
  encodeMessage(decoded, 512);
}

const programs: FuzzTarget = {
  name: 'dns-programs',
  about: 'messages of programs, and a malicious workstation’s dns stream at the manager',
  start: () => ({
    async one(random, trail) {
      for (let count = 0; count < 50; count++) codec(bytes(random, trail, random.chance(0.5) ? query(random) : answer(random, query(random))));
      const [near, far] = duplexPair();
      const resolver = {
        query: async (message: Buffer) =>
          random.chance(0.1) ? Promise.reject(new DnsQueryError('timeout', 'late')) : encodeMessage(answer(random, decodeMessage(message))),
        close: () => undefined,
      };
      near.on('error', () => undefined);
      far.on('error', () => undefined);
      serveDnsStream(near, { log: silentLog, resolver });
      const answers = createFrameReader();
      const messages = Array.from({ length: random.int(1, 400) }, () => bytes(random, { note: () => undefined }, query(random)));
      const sent = Buffer.concat(messages.map((message) => frameMessage(message)));
      trail.note('stream', sent);
      if (random.chance(0.8)) far.on('data', (chunk: Buffer) => void answers.push(chunk).map(codec));
      for (const piece of cut(random, random.chance(0.2) ? mutate(random, sent, WORDS) : sent)) {
        if (far.destroyed) break;
        far.write(piece);
        if (random.chance(0.3)) await turn();
      }
      for (let turns = random.int(0, 20); turns > 0; turns--) await turn();
      if (near.writableLength > ANSWERS_BOUND) throw new Error(`${near.writableLength} bytes of answers wait for who does not read`);
      far.destroy();
      near.destroy();
      for (let turns = 0; turns < TURNS && !near.closed; turns++) await turn();
      if (!near.closed) throw new Error('the stream did not end');
    },
    close: () => undefined,
  }),
};
/** What may wait for a workstation that asks and does not read: what was asked before it was noticed. */
const ANSWERS_BOUND = 1024 * 1024;

const cluster: FuzzTarget = {
  name: 'dns-cluster',
  about: 'answers of the cluster, or of a malicious manager, at the workstation',
  start: () => ({
    async one(random, trail) {
      const [near, far] = duplexPair();
      near.on('error', () => undefined);
      far.on('error', () => undefined);
      const resolver = createClusterResolver(near, { timeoutMs: 60_000 });
      const lookup = createClusterLookup({ cluster: resolver, log: silentLog });
      const asked = createFrameReader();
      far.on('data', (chunk: Buffer) => {
        for (const message of asked.push(chunk)) {
          if (random.chance(0.1)) continue;
          const reply = bytes(random, trail, answer(random, decodeMessage(message)));
          const framed = random.chance(0.9) ? frameMessage(reply) : mutate(random, frameMessage(reply));
          for (const piece of cut(random, framed)) if (!far.destroyed) far.write(piece);
        }
      });
      const names = Array.from({ length: random.int(1, 12) }, () => random.pick(NAMES));
      const outcomes = names.map((name) =>
        lookup.lookup(name, random.pick(TYPES), 60_000).then(
          () => undefined,
          (error: unknown) => {
            if (!(error instanceof DnsQueryError || error instanceof DnsFormatError)) throw error;
          },
        ),
      );
      for (let turns = random.int(2, 30); turns > 0; turns--) await turn();
      far.destroy();
      near.destroy();
      await Promise.all(outcomes);
      if (resolver.available) throw new Error('the resolver outlives its stream');
    },
    close: () => undefined,
  }),
};

export const dns: FuzzTarget[] = [programs, cluster];

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOf,
  addressRecord,
  DnsFormatError,
  type DnsMessage,
  type DnsRecord,
  decodeMessage,
  decodeName,
  encodeMessage,
  errorReply,
  foldName,
  idOf,
  isTruncated,
  optRecord,
  questionOf,
  RCODE,
  rcodeOf,
  splitName,
  TYPE,
  withId,
} from './index.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const label = fc.oneof(
  fc.stringMatching(/^[a-z0-9_-]{1,12}$/),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => {
    const wire = Buffer.concat([Buffer.from([bytes.length]), bytes, Buffer.from([0])]);
    return decodeName(wire, 0).name;
  }),
);
const name = fc.array(label, { maxLength: 6 }).map((labels) => labels.join('.'));
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
const data = fc.oneof(
  fc.tuple(fc.constant(TYPE.A), fc.tuple(bytes(4, 4))),
  fc.tuple(fc.constant(TYPE.AAAA), fc.tuple(bytes(16, 16))),
  fc.tuple(fc.constantFrom(TYPE.CNAME, TYPE.NS, TYPE.PTR), fc.tuple(name)),
  fc.tuple(fc.constant(TYPE.MX), fc.tuple(bytes(2, 2), name)),
  fc.tuple(fc.constant(TYPE.SRV), fc.tuple(bytes(6, 6), name)),
  fc.tuple(fc.constant(TYPE.SOA), fc.tuple(name, name, bytes(20, 20))),
  fc.tuple(fc.constantFrom(TYPE.TXT, TYPE.HTTPS, 999), fc.tuple(bytes(1, 60))),
);
const record: fc.Arbitrary<DnsRecord> = fc
  .tuple(name, u16, fc.nat(0xffffffff), data)
  .map(([owner, cls, ttl, [type, parts]]) => ({ name: owner, type, class: cls, ttl, data: parts }));
const records = fc.array(record, { maxLength: 5 });
const bool = fc.boolean();
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: u16,
  response: bool,
  opcode: fc.integer({ min: 0, max: 15 }),
  authoritative: bool,
  truncated: bool,
  recursionDesired: bool,
  recursionAvailable: bool,
  authenticData: bool,
  checkingDisabled: bool,
  rcode: fc.integer({ min: 0, max: 15 }),
  questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 2 }),
  answers: records,
  authorities: records,
  additionals: records,
});

const query = (asked: string, type: number = TYPE.A): DnsMessage => ({
  id: 7,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [{ name: asked, type, class: 1 }],
  answers: [],
  authorities: [],
  additionals: [],
});

describe('the codec', () => {
  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeMessage(encodeMessage(value))).toEqual(value);
      }),
    );
  });

  it('throws nothing but DnsFormatError at random bytes', () => {
    fc.assert(
      fc.property(bytes(0, 300), (input) => {
        try {
          decodeMessage(input);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(DnsFormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('throws nothing but DnsFormatError at messages that were cut or changed', () => {
    fc.assert(
      fc.property(message, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }), fc.nat(), (value, changes, cut) => {
        const encoded = Buffer.from(encodeMessage(value));
        for (const [at, byte] of changes) encoded[at % encoded.length] = byte;
        try {
          encodeMessage(decodeMessage(encoded.subarray(0, encoded.length - (cut % 4))));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(DnsFormatError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['to itself', [0xc0, 0]],
    ['forwards', [0xc0, 9, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['in a loop over a label', [1, 97, 0xc0, 0]],
  ])('refuses a pointer %s', (_, wire) => {
    expect(() => decodeName(Buffer.from(wire), 0)).toThrow(DnsFormatError);
  });

  it('stays quick with a chain of pointers in each of thousands of records', () => {
    const chain = Buffer.alloc(65_535);
    chain.writeUInt16BE(5000, 6);
    let at = 12;
    chain[at++] = 0;
    for (let previous = 12; at < 4000; at += 2) {
      chain.writeUInt16BE(0xc000 | previous, at);
      previous = at;
    }
    expect(() => decodeMessage(chain)).toThrow(DnsFormatError);
  });

  it('writes the same names once', () => {
    const owner = 'a-long-name.default.svc.cluster.local';
    const many = Array.from({ length: 10 }, (_, i) => addressRecord(owner, `10.0.0.${i}`, 5) as DnsRecord);
    const encoded = encodeMessage({ ...query(owner), response: true, answers: many });
    expect(encoded.length).toBe(12 + (owner.length + 2) + 4 + 10 * 16);
  });

  it('leaves out whole answers and sets TC when the client takes less, and keeps OPT', () => {
    const many = Array.from({ length: 100 }, (_, i) => addressRecord('web', `10.0.0.${i}`, 5) as DnsRecord);
    const encoded = encodeMessage({ ...query('web'), response: true, answers: many, additionals: [optRecord()] }, 512);
    const decoded = decodeMessage(encoded);
    expect(encoded.length).toBeLessThanOrEqual(512);
    expect(decoded.truncated).toBe(true);
    expect(decoded.answers.length).toBe(Math.floor((512 - 12 - 9 - 11) / 16));
    expect(decoded.additionals).toHaveLength(1);
  });

  it('splits and folds names by their unescaped dots', () => {
    expect(splitName('a\\.b.c')).toEqual(['a\\.b', 'c']);
    expect(foldName('Web.Shop.')).toBe('web.shop');
  });

  it.each(['10.0.0.1', '::', '::1', 'fd00::1:0:0:5', '2001:db8::'])('keeps the address %s', (address) => {
    expect(addressOf(addressRecord('x', address, 1) as DnsRecord)).toBe(address);
  });
});

describe('raw messages', () => {
  it('change the id and nothing else', () => {
    fc.assert(
      fc.property(message, u16, (value, id) => {
        const encoded = encodeMessage(value);
        const changed = withId(encoded, id);
        expect(idOf(changed)).toBe(id);
        expect(changed.subarray(2)).toEqual(encoded.subarray(2));
      }),
    );
  });

  it('answer a query with an error that carries its question', () => {
    const reply = errorReply(encodeMessage({ ...query('web.shop'), additionals: [optRecord()] }), RCODE.SERVFAIL);
    expect(rcodeOf(reply)).toBe(RCODE.SERVFAIL);
    expect(isTruncated(reply)).toBe(false);
    expect(questionOf(reply)).toEqual({ name: 'web.shop', type: TYPE.A, class: 1 });
    expect(decodeMessage(reply)).toMatchObject({ id: 7, response: true, additionals: [] });
  });

  it('never throw at a query of random bytes behind a header', () => {
    fc.assert(
      fc.property(bytes(12, 80), (input) => {
        expect(errorReply(input, RCODE.SERVFAIL).length).toBeGreaterThanOrEqual(12);
      }),
    );
  });
});

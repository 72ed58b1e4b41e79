import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDnsCache, createFrameReader, frameMessage, readResolvConf } from './index.ts';

describe('frames', () => {
  it('come out whole however the stream was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), fc.integer({ min: 1, max: 100 }), (messages, step) => {
        const stream = Buffer.concat(messages.map((message) => frameMessage(message)));
        const reader = createFrameReader();
        const got: Buffer[] = [];
        for (let at = 0; at < stream.length; at += step) got.push(...reader.push(stream.subarray(at, at + step)));
        expect(got.map((message) => [...message])).toEqual(messages.map((message) => [...message]));
      }),
    );
  });
});

describe('the cache', () => {
  it('forgets at the end of the time to live, and the least recently used when full', () => {
    let now = 0;
    const cache = createDnsCache<string>({ maxEntries: 2, now: () => now });
    cache.set('a', 'A', 5000);
    cache.set('b', 'B', 9000);
    now = 2500;
    expect(cache.get('a')).toEqual({ value: 'A', ageSeconds: 2, spent: 0.5 });
    cache.set('c', 'C', 9000);
    expect(cache.get('b')).toBeUndefined();
    now = 5000;
    expect(cache.get('a')).toBeUndefined();
    expect(cache.get('c')?.value).toBe('C');
    cache.set('d', 'D', 0);
    expect(cache.get('d')).toBeUndefined();
  });
});

describe('resolv.conf', () => {
  it('is read as the C libraries read it', () => {
    const conf = readResolvConf(
      '# x\n; y\nnameserver 10.0.0.1 ; why\nnameserver fe80::1%eth0\nnameserver 10.0.0.1\nnameserver nonsense\ndomain a.example\nsearch Corp.Example. lab.example\noptions ndots:2 edns0\n',
    );
    expect(conf).toEqual({ nameservers: ['10.0.0.1', 'fe80::1%eth0'], search: ['corp.example', 'lab.example'], options: ['ndots:2', 'edns0'] });
  });

  it('without a nameserver means this host', () => {
    expect(readResolvConf('').nameservers).toEqual(['127.0.0.1']);
  });
});

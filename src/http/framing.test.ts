import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyTracker } from './body.ts';
import { detect, guess } from './detect.ts';
import { BadMessage, type Framing, parseRequestHead } from './request-head.ts';
import { parseResponseHead, responseHeadEnd } from './response-head.ts';
import { headerLine, withoutHttp2Upgrade } from './rewrite-head.ts';

/** A chunked body of these chunks. */
const chunkedOf = (chunks: string[], extension: string) =>
  `${chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}${extension}\r\n${chunk}\r\n`).join('')}0\r\nX-T: 1\r\n\r\n`;

describe('a body’s end', () => {
  it('is found however the bytes are cut, and what follows is left', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 50 }), { maxLength: 5 }),
        fc.constantFrom('', ';a', ';a="b;c"'),
        fc.array(fc.nat(400), { maxLength: 10 }),
        (chunks, extension, cuts) => {
          const body = Buffer.from(chunkedOf(chunks, extension));
          const bytes = Buffer.concat([body, Buffer.from('GET / HTTP')]);
          const tracker = new BodyTracker({ kind: 'chunked' });
          let taken = 0;
          let at = 0;
          for (const cut of [...cuts.filter((one) => one < bytes.length).sort((a, b) => a - b), bytes.length]) {
            if (tracker.done) break;
            taken += tracker.consume(bytes.subarray(at, cut), 0);
            at = cut;
          }
          expect(tracker.fault).toBeUndefined();
          expect(tracker.done).toBe(true);
          expect(taken).toBe(body.length);
        },
      ),
    );
  });

  it('is found by length', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), (length, more) => {
        const tracker = new BodyTracker({ kind: 'length', length });
        expect(tracker.consume(Buffer.alloc(length + more), 0)).toBe(length);
        expect(tracker.done).toBe(true);
      }),
    );
  });

  it('never comes where the connection’s end is the body’s', () => {
    const tracker = new BodyTracker({ kind: 'until-close' });
    expect(tracker.consume(Buffer.alloc(10), 3)).toBe(10);
    expect(tracker.done).toBe(false);
  });

  it('is found behind padded chunk sizes only where servers are read', () => {
    const body = Buffer.from('5  \r\n12345\r\n0\r\n\r\n');
    const strict = new BodyTracker({ kind: 'chunked' });
    strict.consume(body, 0);
    expect(strict.fault).toBe('an invalid chunk size');
    const lenient = new BodyTracker({ kind: 'chunked' }, { lenient: true });
    expect(lenient.consume(body, 0)).toBe(body.length);
    expect(lenient.done).toBe(true);
  });
});

const request = (lines: string, line = 'GET /a?b HTTP/1.1') => {
  const bytes = Buffer.from(`${line}\r\nHost: a\r\n${lines}\r\n`, 'latin1');
  const head = parseRequestHead(bytes, 0, bytes.length);
  if (head instanceof BadMessage) throw new Error(head.reason);
  return head;
};

describe('a request', () => {
  it.each<[string, boolean, string?]>([
    ['', true],
    ['Connection: close\r\n', false],
    ['Connection: foo, CLOSE\r\n', false],
    ['Connection: keep-alive\r\nConnection: close\r\n', false],
    ['', false, 'GET / HTTP/1.0'],
    ['Connection: Keep-Alive\r\n', true, 'GET / HTTP/1.0'],
  ])('%j keeps its connection: %s', (lines, persistent, line) => {
    expect(request(lines, line).persistent).toBe(persistent);
  });

  it('has a path without its query, in either form of the target', () => {
    expect(request('').path).toBe('/a');
    expect(request('', 'GET http://a HTTP/1.1').path).toBe('/');
    expect(request('', 'GET http://a?q HTTP/1.1').path).toBe('/');
    expect(request('', 'GET https://A/x?q HTTP/1.1').path).toBe('/x');
  });

  it('upgrades only when Connection says so too', () => {
    expect(request('Upgrade: WebSocket\r\n').upgrade).toBeUndefined();
    expect(request('Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n').upgrade).toBe('websocket');
  });

  it('has exactly the lines that were sent', () => {
    const token = fc
      .stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)
      .filter((name) => !/^(host|connection|upgrade|expect|content[-_]length|transfer[-_]encoding)$/i.test(name));
    fc.assert(
      fc.property(fc.array(fc.tuple(token, fc.stringMatching(/^[!-~](?:[ -~]*[!-~])?$/))), (lines) => {
        const head = request(lines.map(([name, value]) => `${name}: \t${value} \r\n`).join(''));
        expect(head.names.slice(1)).toEqual(lines.map(([name]) => name));
        expect(head.values.slice(1)).toEqual(lines.map(([, value]) => value));
      }),
    );
  });
});

describe('a response', () => {
  const body = (text: string, method = 'GET'): Framing | string => {
    const head = parseResponseHead(Buffer.from(text, 'latin1'), 0, text.length, method, false);
    return head instanceof BadMessage ? head.reason : head.body;
  };
  it.each<[string, string, Framing | string]>([
    ['Content-Length: 5', 'GET', { kind: 'length', length: 5 }],
    ['Content-Length: 5', 'HEAD', { kind: 'none' }],
    ['Content-Length: 5, 5', 'GET', { kind: 'length', length: 5 }],
    ['Content-Length: 5, 6', 'GET', 'an unclear Content-Length'],
    ['Content-Length: x', 'GET', 'an unclear Content-Length'],
    ['Transfer-Encoding: chunked', 'GET', { kind: 'chunked' }],
    ['Transfer-Encoding: gzip, chunked', 'GET', { kind: 'chunked' }],
    ['Transfer-Encoding: gzip', 'GET', { kind: 'until-close' }],
    ['X: y', 'GET', { kind: 'until-close' }],
  ])('%j to %s', (line, method, expected) => {
    expect(body(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`, method)).toEqual(expected);
    expect(body(`HTTP/1.1 200\n${line}\n\n`, method)).toEqual(expected);
  });

  it('is over with both framings, and its connection too', () => {
    const both = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect(parseResponseHead(both, 0, both.length, 'GET', false)).toMatchObject({
      body: { kind: 'chunked' },
      persistent: false,
    });
  });

  it('has a head that ends with either line end', () => {
    const end = (text: string, from = 0) => responseHeadEnd(Buffer.from(text), from);
    expect(end('HTTP/1.1 200 OK\r\n\r\nbody\n\n')).toBe(19);
    expect(end('HTTP/1.1 200 OK\n\nbody\r\n\r\n')).toBe(17);
    expect(end('HTTP/1.1 200 OK\nX: y\n\r\nbody')).toBe(23);
    expect(end('HTTP/1.1 200 OK\r\n')).toBe(-1);
    expect(end('x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 5)).toBe(24);
  });
});

describe('a connection', () => {
  it.each<[string, string | undefined]>([
    ['', undefined],
    ['G', undefined],
    ['GET / HTTP/1.1', undefined],
    ['GET / HTTP/1.1\r\n', 'http1'],
    ['\r\n', undefined],
    ['\r\nGET / HTTP/1.1\r\n', 'http1'],
    ['GET / HTTP/7.7\r\n', 'http1'],
    ['GET /\r\n', 'http1'],
    ['\n\r\rGET / HTTP/1.1\r\n', 'http1'],
    ['PRI', undefined],
    ['PRI * HTTP/2.0\r\n', undefined],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0', 'http2'],
    ['PRI * HTTP/2.0\r\n\r\nXX', 'http1'],
    ['\x16\x03\x01', 'other'],
    ['\0', 'other'],
    ['AMQP\0\0', 'other'],
    ['SSH-2.0-x\r\n', 'other'],
  ])('that begins with %j', (bytes, carried) => {
    expect(detect(Buffer.from(bytes, 'latin1'))).toBe(carried);
  });

  it('that stopped within its first line is HTTP when it looks like it', () => {
    expect(['GET /sl', 'POST http://', 'GET x', 'hello', 'EHLO a'].map((bytes) => guess(Buffer.from(bytes)))).toEqual([
      'http1',
      'http1',
      'other',
      'other',
      'other',
    ]);
  });
});

it('an offer of HTTP/2 is taken out, and nothing else', () => {
  expect(
    withoutHttp2Upgrade('GET / HTTP/1.1\r\nA: upgrade: b\r\nconnection: X, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nB: c\r\n\r\n'),
  ).toBe('GET / HTTP/1.1\r\nA: upgrade: b\r\nconnection: X\r\nB: c\r\n\r\n');
});

it('a header of ours can carry no line end', () => {
  expect(headerLine('x', 'a\r\nb: ü').toString()).toBe('x: a%0D%0Ab: %C3%BC\r\n');
});

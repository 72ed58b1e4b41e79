import { describe, expect, it } from 'vitest';
import type { HeaderList } from '../../http/index.ts';
import { mapSetCookie, withoutReserved } from './cookies.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import { mappingOf, previewLabel } from './hosts.ts';
import { mapRefresh, toIngress, toPreview } from './map-url.ts';
import { pathOf } from './wire.ts';

const tls = mappingOf({ ingress: { host: '10.0.0.1', port: 443, tls: true, l5host: 'Dev.example.org' } }, 'https://abc.preview.test');
const plain = mappingOf({ ingress: { host: 'web.default', port: 8080, tls: false, l5host: 'web.default' } }, 'http://abc.preview.localhost:8088');
const ported = mappingOf({ ingress: { host: 'web.default', port: 8080, tls: false, l5host: 'web.default:8080' } }, 'https://abc.preview.test:8443');

describe('an address towards the browser', () => {
  it.each([
    ['https://dev.example.org/a?b#c', 'https://abc.preview.test/a?b#c'],
    ['http://dev.example.org/a', 'https://abc.preview.test/a'],
    ['HTTPS://DEV.EXAMPLE.ORG', 'https://abc.preview.test'],
    ['https://dev.example.org:443/a', 'https://abc.preview.test/a'],
    ['//dev.example.org/a', '//abc.preview.test/a'],
    ['wss://dev.example.org/ws', 'wss://abc.preview.test/ws'],
    ['ws://dev.example.org/ws', 'wss://abc.preview.test/ws'],
    ['/a', '/a'],
    ['a/b', 'a/b'],
    ['?x=https://dev.example.org/', '?x=https://dev.example.org/'],
    ['https://dev.example.org:9000/a', 'https://dev.example.org:9000/a'],
    ['https://other.example.org/', 'https://other.example.org/'],
    ['https://dev.example.org.evil.test/', 'https://dev.example.org.evil.test/'],
    ['https://dev.example.org@evil.test/', 'https://dev.example.org@evil.test/'],
    ['https://evil.test@dev.example.org/', 'https://evil.test@dev.example.org/'],
    ['https://evil.test\\@dev.example.org/', 'https://evil.test\\@dev.example.org/'],
    ['ftp://dev.example.org/a', 'ftp://dev.example.org/a'],
  ])('%s → %s', (from, to) => expect(toPreview(from, tls)).toBe(to));

  it('knows the ingress by its port where it has one of its own', () => {
    expect(toPreview('http://web.default:8080/a', plain)).toBe('http://abc.preview.localhost:8088/a');
    expect(toPreview('http://web.default:8080/a', ported)).toBe('https://abc.preview.test:8443/a');
    expect(toPreview('http://web.default:9090/a', ported)).toBe('http://web.default:9090/a');
  });

  it.each([
    ['5; url=https://dev.example.org/a', '5; url=https://abc.preview.test/a'],
    ['0;URL="https://dev.example.org/a"', '0;URL="https://abc.preview.test/a"'],
    ["3, url = 'http://dev.example.org/'", "3, url = 'https://abc.preview.test/'"],
    ['5', '5'],
    ['0; url=/login', '0; url=/login'],
  ])('Refresh: %s → %s', (from, to) => expect(mapRefresh(from, tls)).toBe(to));
});

describe('an address towards the ingress', () => {
  it.each([
    ['https://abc.preview.test', 'https://dev.example.org'],
    ['https://abc.preview.test/a?b', 'https://dev.example.org/a?b'],
    ['http://abc.preview.test/a', 'http://abc.preview.test/a'],
    ['https://xyz.preview.test/a', 'https://xyz.preview.test/a'],
    ['https://abc.preview.test:444/', 'https://abc.preview.test:444/'],
    ['null', 'null'],
  ])('%s → %s', (from, to) => expect(toIngress(from, tls)).toBe(to));
  it('has the port that the preview has', () => {
    expect(toIngress('http://abc.preview.localhost:8088/a', plain)).toBe('http://web.default/a');
    expect(toIngress('https://abc.preview.test:8443', ported)).toBe('http://web.default:8080');
  });
});

describe('Set-Cookie', () => {
  it.each([
    ['a=b; Path=/', 'a=b; Path=/'],
    ['a=b; Domain=dev.example.org; Secure', 'a=b; Secure; Domain=abc.preview.test'],
    ['a=b; domain=.EXAMPLE.org', 'a=b; Domain=abc.preview.test'],
    ['a=b; Domain=; Path=/x', 'a=b; Path=/x'],
    ['a=b; Domain=evil.test; Domain=dev.example.org', 'a=b; Domain=abc.preview.test'],
    ['a=b; Domain=preview.test', undefined],
    ['a=b; Domain=abc.preview.test', undefined],
    ['a=b; Domain=other.example.org', undefined],
    ['a=b; Domain=ple.org', undefined],
    ['a=b; Domain=dev.example.org; Domain=preview.test', undefined],
    ['__Host-app=b; Secure; Path=/', '__Host-app=b; Secure; Path=/'],
    ['__Host-telepresence-preview=x; Secure; Path=/', undefined],
    ['__HOST-Telepresence-enter=x', undefined],
    ['telepresence-preview=x', undefined],
    ['=__Host-telepresence-preview=x', undefined],
  ])('%s → %s', (from, to) => expect(mapSetCookie(from, tls)).toBe(to));

  it('takes no parent of an address', () => {
    const byAddress = mappingOf({ ingress: { host: '10.0.0.1', port: 80, tls: false, l5host: '10.0.0.1' } }, 'https://abc.preview.test');
    expect(mapSetCookie('a=b; Domain=10.0.0.1', byAddress)).toBe('a=b; Domain=abc.preview.test');
    expect(mapSetCookie('a=b; Domain=0.0.1', byAddress)).toBeUndefined();
  });
});

it.each([
  ['a=1; __Host-telepresence-preview=s; b=2', 'a=1; b=2'],
  ['__Host-telepresence-preview=s', undefined],
  ['telepresence-enter=s;a=1', 'a=1'],
  ['xtelepresence-a=1', 'xtelepresence-a=1'],
  ['', undefined],
])('the app gets of the cookies %s: %s', (from, to) => expect(withoutReserved(from)).toBe(to));

describe('the headers of a request', () => {
  const to = (headers: HeaderList) =>
    requestHeaders(headers, { mapping: tls, header: { name: 'x-telepresence-intercept-id', value: 'right' }, forwardedFor: '192.0.2.1', body: 'none' });
  const fixed: HeaderList = [
    ['X-Forwarded-For', '192.0.2.1'],
    ['X-Forwarded-Host', 'abc.preview.test'],
    ['X-Forwarded-Proto', 'https'],
    ['x-telepresence-intercept-id', 'right'],
  ];
  const cases: [string, HeaderList, HeaderList][] = [
    [
      'keep what the app needs, in order and repeated',
      [
        ['Accept', '*/*'],
        ['X-A', '1'],
        ['x-a', '2'],
      ],
      [
        ['Accept', '*/*'],
        ['X-A', '1'],
        ['x-a', '2'],
      ],
    ],
    [
      'lose those of the connection',
      [
        ['Connection', 'keep-alive, X-Secret'],
        ['Keep-Alive', 'timeout=5'],
        ['X-Secret', '1'],
        ['TE', 'gzip'],
        ['Upgrade', 'h2c'],
        ['HTTP2-Settings', 'x'],
        ['Proxy-Authorization', 'x'],
        ['Transfer-Encoding', 'chunked'],
        ['A', 'b'],
      ],
      [['A', 'b']],
    ],
    [
      'keep a mark that a client sent from being believed',
      [
        ['X-Telepresence-Intercept-Id', 'wrong'],
        ['x_telepresence_intercept_id', 'wrong'],
      ],
      [],
    ],
    [
      'keep claims of another proxy from being believed',
      [
        ['Host', 'abc.preview.test'],
        ['X-Forwarded-For', '1.1.1.1'],
        ['x_forwarded_host', 'evil'],
        ['X-Real-IP', '1.1.1.1'],
        ['Forwarded', 'for=1.1.1.1'],
        ['X-Forwarded-Proto', 'http'],
      ],
      [],
    ],
    [
      'name the ingress’ host',
      [
        ['Origin', 'https://abc.preview.test'],
        ['Referer', 'https://abc.preview.test/a'],
      ],
      [
        ['Origin', 'https://dev.example.org'],
        ['Referer', 'https://dev.example.org/a'],
      ],
    ],
    [
      'leave other origins',
      [
        ['Origin', 'https://shop.test'],
        ['Referer', 'https://shop.test/a'],
      ],
      [
        ['Origin', 'https://shop.test'],
        ['Referer', 'https://shop.test/a'],
      ],
    ],
    [
      'join cookies and hold ours back',
      [
        ['cookie', 'a=1'],
        ['cookie', '__Host-telepresence-preview=s; b=2'],
      ],
      [['Cookie', 'a=1; b=2']],
    ],
  ];
  it.each(cases)('%s', (_, from, rest) => {
    const cookies = rest.filter(([name]) => name === 'Cookie');
    const others = rest.filter(([name]) => name !== 'Cookie');
    expect(to(from)).toEqual([['Host', 'dev.example.org'], ...others, ...cookies, ...fixed]);
  });
  it('can’t take away by Connection what is set here', () => {
    expect(to([['Connection', 'host, x-telepresence-intercept-id, x-forwarded-for, cookie']])).toEqual([['Host', 'dev.example.org'], ...fixed]);
  });
});

describe('the headers of an answer', () => {
  const to = (headers: HeaderList) => responseHeaders(headers, tls).filter(([name]) => name !== 'X-Robots-Tag');
  const cases: [string, HeaderList, HeaderList][] = [
    [
      'name the preview',
      [
        ['Location', 'https://dev.example.org/a'],
        ['Access-Control-Allow-Origin', 'https://dev.example.org'],
        ['Link', '<https://dev.example.org/a>; rel=next, </b>; rel=prev'],
      ],
      [
        ['Location', 'https://abc.preview.test/a'],
        ['Access-Control-Allow-Origin', 'https://abc.preview.test'],
        ['Link', '<https://abc.preview.test/a>; rel=next, </b>; rel=prev'],
      ],
    ],
    [
      'leave other origins',
      [
        ['Access-Control-Allow-Origin', '*'],
        ['Location', 'https://login.test/?to=https://dev.example.org/'],
      ],
      [
        ['Access-Control-Allow-Origin', '*'],
        ['Location', 'https://login.test/?to=https://dev.example.org/'],
      ],
    ],
    [
      'speak for this preview alone',
      [
        ['Strict-Transport-Security', 'max-age=1; includeSubDomains'],
        ['Alt-Svc', 'h3=":443"'],
        ['Clear-Site-Data', '"cookies"'],
      ],
      [],
    ],
    ['clear only what is this preview’s', [['Clear-Site-Data', '"*"']], [['Clear-Site-Data', '"cache", "storage"']]],
    [
      'name the preview in policies',
      [['Content-Security-Policy', "default-src 'self' dev.example.org; connect-src wss://dev.example.org https://api.test"]],
      [['Content-Security-Policy', "default-src 'self' abc.preview.test; connect-src wss://abc.preview.test https://api.test"]],
    ],
    [
      'drop cookies for elsewhere, one by one',
      [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2; Domain=preview.test'],
        ['Set-Cookie', 'c=3'],
      ],
      [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'c=3'],
      ],
    ],
    [
      'lose those of the connection',
      [
        ['Connection', 'X-Hop'],
        ['X-Hop', '1'],
        ['Transfer-Encoding', 'chunked'],
        ['A', 'b'],
      ],
      [['A', 'b']],
    ],
  ];
  it.each(cases)('%s', (_, from, out) => expect(to(from)).toEqual(out));
  it('keep the preview out of search engines', () => {
    expect(responseHeaders([], tls)).toEqual([['X-Robots-Tag', 'noindex, nofollow']]);
    expect(responseHeaders([['X-Robots-Tag', 'none']], tls)).toEqual([['X-Robots-Tag', 'none']]);
  });
});

it.each([
  ['abc.preview.test', 'abc'],
  ['ABC.Preview.Test:8443', 'abc'],
  ['abc.preview.test.', 'abc'],
  ['a.b.preview.test', 'a.b'],
  ['preview.test', undefined],
  ['abcpreview.test', undefined],
  [undefined, undefined],
])('the label of %s is %s', (host, label) => expect(previewLabel(host, 'preview.test')).toBe(label));

it.each([
  ['/a', '/a'],
  ['*', '*'],
  ['https://abc.preview.test/a', '/a'],
  ['http://ABC.preview.test?a', '/?a'],
  ['http://other.preview.test/a', undefined],
  ['javascript:1', undefined],
])('the path of %s is %s', (url, path) => expect(pathOf(url, tls)).toBe(path));

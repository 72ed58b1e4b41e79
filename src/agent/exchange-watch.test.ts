import { describe, expect, it } from 'vitest';
import { ExchangeWatch } from './exchange-watch.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** `>` goes up, `<` comes down; each string is cut into pieces of `size`. */
function watched(steps: readonly string[], size = Number.POSITIVE_INFINITY): ExchangeWatch {
  const watch = new ExchangeWatch();
  for (const step of steps) {
    const bytes = Buffer.from(step.slice(1), 'latin1');
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, Math.min(bytes.length, at + size));
      if (step.startsWith('>')) watch.up(piece);
      else watch.down(piece);
    }
  }
  return watch;
}

describe.each([Number.POSITIVE_INFINITY, 20])('in pieces of %d bytes', (size) => {
  it.each([
    ['a whole exchange', [`>${GET}`, `<${OK}`], true],
    ['two of them', [`>${GET}`, `<${OK}`, `>${GET}`, `<${OK}`], true],
    ['pipelined requests with both answers', [`>${GET}${GET}`, `<${OK}${OK}`], true],
    [
      'a body each way',
      ['>POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc', '<HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
      true,
    ],
    [
      '100 Continue',
      ['>POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n', '<HTTP/1.1 100 Continue\r\n\r\n', '>abc', `<${OK}`],
      true,
    ],
    ['an answer to HEAD', ['>HEAD / HTTP/1.1\r\nhost: a\r\n\r\n', '<HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n'], true],
    ['nothing', [], false],
    ['a request without its answer', [`>${GET}`, `<${OK}`, `>${GET}`], false],
    ['a request that has begun', [`>${GET}`, `<${OK}`, '>GET / HT'], false],
    ['half an answer', [`>${GET}`, `<${OK.slice(0, -1)}`], false],
    ['an answer to one of two pipelined requests', [`>${GET}${GET}`, `<${OK}`], false],
    ['half a chunked answer', [`>${GET}`, '<HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n'], false],
    ['an answer that ends with the connection', [`>${GET}`, '<HTTP/1.1 200 OK\r\n\r\nok'], false],
    ['a server that closes', [`>${GET}`, '<HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'], false],
    [
      'a WebSocket',
      [
        '>GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
        '<HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
      ],
      false,
    ],
    ['bytes that nobody asked for', [`>${GET}`, `<${OK}`, `<${OK}`], false],
    ['another protocol', ['>\x16\x03\x01 hello', `<${OK}`], false],
  ])('%s: %o', (_name, steps, between) => {
    expect(watched(steps, size).between).toBe(between);
  });
});

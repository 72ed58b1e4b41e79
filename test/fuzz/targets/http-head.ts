/** Heads and bodies of HTTP/1.1 as the agent reads them: pieces do not matter, nothing throws, nothing is kept without a bound. */

import { detect, guess, parseResponseHead, responseHeadEnd } from '../../../src/http/index.ts';
import { MALFORMED } from '../../helpers/malformed-requests.ts';
import { createParsedRequests } from '../http-pieces.ts';
import { cut, mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { FuzzTarget } from '../run.ts';

const WORDS = ['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', ':', '\0', '0\r\n\r\n', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 5\r\n', 'HTTP/1.1', 'Upgrade: h2c\r\nConnection: upgrade\r\n', '\xff', '5;x=y\r\n', 'ffffffffffffff\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'Expect: 100-continue\r\n'].map((text) => Buffer.from(text, 'latin1')); // biome-ignore format: a list of words
const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.0 204 No\nX: y\n\n',
  'HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
];

function requests(random: Random): Buffer {
  const body = 'b'.repeat(random.int(0, 40));
  const good = [
    `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    `POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body.length > 0 ? `${body.length.toString(16)}\r\n${body}\r\n` : ''}0\r\nX: y\r\n\r\n`,
    'GET /g HTTP/1.0\r\n\r\n',
    `GET /long HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(random.chance(0.02) ? 70_000 : 30)}\r\n\r\n`,
    'GET /u HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n\r\n',
  ];
  const parts = Array.from({ length: random.int(1, 4) }, () => (random.chance(0.1) ? random.pick(MALFORMED)[1].slice(0, 2_000) : random.pick(good)));
  const whole = Buffer.from(parts.join(''), 'latin1');
  return random.chance(0.2) ? whole : mutate(random, whole, WORDS);
}

const heads: FuzzTarget = {
  name: 'http-head',
  about: 'requests of clients and answers of servers at the agent',
  start: () => ({
    one(random, trail) {
      for (let count = 0; count < 20; count++) {
        const bytes = requests(random);
        trail.note('requests', bytes);
        detect(bytes);
        guess(bytes);
        const whole = createParsedRequests();
        whole.push(bytes);
        const pieces = createParsedRequests();
        for (const piece of cut(random, bytes)) pieces.push(piece);
        if (whole.text() !== pieces.text()) throw new Error(`the pieces matter:\n${whole.text()}\n${pieces.text()}`);
        const response = mutate(random, Buffer.from(random.pick(ANSWERS), 'latin1'), WORDS);
        trail.note('response', response);
        const end = responseHeadEnd(response, 0);
        if (end !== -1) parseResponseHead(response, 0, end, random.pick(['GET', 'HEAD', 'CONNECT']), random.chance(0.5));
      }
    },
    close: () => undefined,
  }),
};

export const http: FuzzTarget[] = [heads];

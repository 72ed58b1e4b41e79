import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from '../helpers/http-agent.ts';
import { MALFORMED } from '../helpers/malformed-requests.ts';

let agent: HttpAgent;
/** What any server got. */
const reached: string[] = [];
const servers: Server[] = [];

async function server(name: string): Promise<number> {
  const made = createServer((request, response) => {
    reached.push(`${name} ${request.method} ${request.url}`);
    request.resume();
    response.end(name);
  });
  made.on('connection', (socket) => socket.prependListener('data', () => reached.push(`bytes for ${name}`)));
  made.on('clientError', (_error, socket) => socket.destroy());
  servers.push(made);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
}

beforeAll(async () => {
  agent = await startHttpAgent(await server('app'));
  agent.set([{ port: await server('mine'), http: byHeader('x-who', 'me') }]);
});
afterAll(() => {
  agent.close();
  for (const one of servers) {
    one.closeAllConnections();
    one.close();
  }
});

function ask(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port: agent.port, host: '127.0.0.1' });
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(text));
    socket.write(Buffer.from(bytes, /[^\0-\xff]/.test(bytes) ? 'utf8' : 'latin1'));
  });
}

it('the table has at least 150 requests', () => {
  expect(MALFORMED.length).toBeGreaterThanOrEqual(150);
});

it.each(MALFORMED)('400, the end, and nobody is reached: %s', async (_name, request) => {
  reached.length = 0;
  const text = await ask(request);
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(text).toContain('connection: close\r\n');
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(reached).toEqual([]);
});

it('behind a good request: the good one is answered first, the rest reaches nobody', async () => {
  for (const [name, request] of MALFORMED) {
    reached.length = 0;
    const text = await ask(`GET /good HTTP/1.1\r\nHost: a\r\nx-who: me\r\n\r\n${request}`);
    expect(text.match(/HTTP\/1\.1 \d+/g), name).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(new Set(reached), name).toEqual(new Set(['bytes for mine', 'mine GET /good']));
  }
});

it.each([
  ['HTTP/1.0 without Host', 'GET /x HTTP/1.0\r\n\r\n', 'app'],
  ['absolute form with its own Host', 'GET http://A/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'app'],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'app'],
  ['empty lines first', '\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nx-who: me\r\nConnection: close\r\n\r\n', 'mine'],
  ['an unknown method', 'M-SEARCH /x HTTP/1.1\r\nHost: a\r\nx-who: me\r\nConnection: close\r\n\r\n', 'mine'],
  ['an empty value', 'GET /x HTTP/1.1\r\nHost:\r\nX:\r\nx-who:me\r\nConnection: close\r\n\r\n', 'mine'],
  ['white space around a value', 'GET /x HTTP/1.1\r\nHost: a\r\nx-who:\t me \t\r\nConnection: close\r\n\r\n', 'mine'],
  ['a name in another case', 'GET /x HTTP/1.1\r\nHost: a\r\nX-WHO: me\r\nConnection: close\r\n\r\n', 'mine'],
  ['a value in another case', 'GET /x HTTP/1.1\r\nHost: a\r\nx-who: ME\r\nConnection: close\r\n\r\n', 'app'],
  ['a longer value', 'GET /x HTTP/1.1\r\nHost: a\r\nx-who: mee\r\nConnection: close\r\n\r\n', 'app'],
  ['a mark in the body', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\nConnection: close\r\n\r\n\r\nx-who: me\r\n', 'app'],
  ['a mark in a trailer', 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\nx-who: me\r\n\r\n', 'app'],
  [
    'an extension',
    'POST /x HTTP/1.1\r\nHost: a\r\nx-who: me\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n5;a="b c"\r\n12345\r\n0\r\n\r\n',
    'mine',
  ],
])('is odd, and has one meaning: %s', async (_name, request, place) => {
  reached.length = 0;
  expect(await ask(request)).toMatch(/^HTTP\/1\.1 200/);
  expect(reached.filter((what) => !what.startsWith('bytes'))).toEqual([expect.stringContaining(`${place} `)]);
});

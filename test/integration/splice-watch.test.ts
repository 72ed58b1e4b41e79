import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from '../helpers/http-agent.ts';

let agent: HttpAgent;
const slow = createServer((request, response) => void setTimeout(() => response.end(`app ${request.url}`), request.url === '/slow' ? 400 : 0));

beforeEach(async () => {
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  agent = await startHttpAgent((slow.address() as AddressInfo).port);
  agent.tcp.taker = undefined;
});
afterEach(() => {
  agent.close();
  slow.closeAllConnections();
  slow.close();
});

async function ask(socket: Socket, path: string, headers = ''): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
  let text = '';
  for (;;) {
    const chunk = await new Promise<Buffer | undefined>((resolve) => {
      socket.once('data', resolve);
      socket.once('end', () => resolve(undefined));
    });
    if (chunk === undefined) return `${text} ended`;
    text += chunk.toString();
    if (text.includes('app /')) return text;
  }
}

it('an idle kept connection ends when an intercept begins, so that its client comes anew', async () => {
  const kept = connect(agent.port, '127.0.0.1');
  await ask(kept, '/1');
  const ended = new Promise((resolve) => kept.once('end', resolve));
  agent.set([{ port: 1, http: byHeader('x-who', 'me') }]);
  agent.tcp.taker = agent.taker;
  await ended;
});

it('one that waits for its answer ends behind it', async () => {
  const waiting = connect(agent.port, '127.0.0.1');
  const answer = ask(waiting, '/slow');
  await new Promise((resolve) => setTimeout(resolve, 50));
  agent.tcp.taker = agent.taker;
  expect(await answer).toContain('app /slow');
  await new Promise((resolve) => waiting.once('end', resolve));
});

it('none ends while there is no intercept', async () => {
  const kept = connect(agent.port, '127.0.0.1');
  await ask(kept, '/1');
  agent.tcp.taker = undefined;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await ask(kept, '/2')).toContain('app /2');
  kept.destroy();
});

it('a connection that requests are looked for on retires behind the request in work', async () => {
  agent.tcp.taker = agent.taker;
  const busy = connect(agent.port, '127.0.0.1');
  const idle = connect(agent.port, '127.0.0.1');
  await ask(idle, '/1');
  const answer = ask(busy, '/slow');
  await new Promise((resolve) => setTimeout(resolve, 50));
  agent.taker.retire();
  await new Promise((resolve) => idle.once('end', resolve));
  expect(await answer).toContain('app /slow');
  await new Promise((resolve) => busy.once('end', resolve));
});

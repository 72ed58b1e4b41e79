import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, it } from 'vitest';
import { activate, cleanups, dial, setup, until } from '../../test/helpers/agent.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

/** An app that speaks HTTP. */
async function webApp(): Promise<number> {
  const server = createServer((_request, response) => response.end('app'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.closeAllConnections());
  cleanups.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function answer(socket: Socket): Promise<string> {
  let text = '';
  while (!/\r\n\r\n\w+$/.test(text)) text += String((await once(socket, 'data'))[0]);
  return text.slice(text.lastIndexOf('\n') + 1);
}

it('goes on with the app on a kept connection when the intercept ends, without a gap', async () => {
  const running = await setup(await webApp());
  const ended: string[] = [];
  running.manager.serve((stream) => {
    stream.on('data', () => stream.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine'));
    stream.on('end', () => {
      ended.push('end');
      stream.end();
    });
  });
  await activate(running);
  const client = dial(running.port);
  client.write(GET);
  expect(await answer(client)).toBe('mine');
  running.manager.tell([], []);
  await until(() => running.manager.ready.at(-1)?.length === 0);
  client.write(GET);
  expect(await answer(client)).toBe('app');
  expect(ended).toEqual(['end']);
  client.destroy();
});

it('waits for an answer that is due, and takes what comes after it to the app', async () => {
  const running = await setup(await webApp());
  const due = Promise.withResolvers<() => void>();
  let requests = 0;
  running.manager.serve((stream) => {
    stream.on('data', () => {
      if (++requests === 1) stream.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine');
      else due.resolve(() => stream.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate'));
    });
    stream.on('end', () => stream.end());
  });
  await activate(running);
  const client = dial(running.port);
  client.write(GET);
  expect(await answer(client)).toBe('mine');
  client.write(GET);
  const send = await due.promise;
  running.manager.tell([], []);
  await until(() => running.manager.ready.at(-1)?.length === 0);
  send();
  expect(await answer(client)).toBe('late');
  client.write(GET);
  expect(await answer(client)).toBe('app');
  client.destroy();
});

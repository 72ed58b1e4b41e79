import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { silentLog } from '../base/log.ts';
import { AppTarget } from './app-target.ts';
import { drain } from './drain.ts';
import { TcpPort } from './tcp-port.ts';

afterEach(() => vi.useRealTimers());

it('a client whom the app refuses ends the drain, without waiting for the next look', async () => {
  const app = createServer((socket) => socket.on('error', () => {}).end('answer')).listen(0, '127.0.0.1');
  await once(app, 'listening');
  const port = await TcpPort.listen(0, new AppTarget((app.address() as AddressInfo).port, '127.0.0.1'), silentLog);
  // no look but the first
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const gone = vi.fn();
  const over = drain([port], [], silentLog, gone);
  const answered = connect(port.port, '127.0.0.1');
  answered.resume();
  await once(answered, 'end');
  answered.destroy();
  expect(gone).not.toHaveBeenCalled();
  app.close();
  const refused = connect(port.port, '127.0.0.1').on('error', () => {});
  await over;
  expect(gone).toHaveBeenCalledOnce();
  refused.destroy();
  port.close();
});

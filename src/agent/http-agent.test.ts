import { describe, expect, it } from 'vitest';
import { activate, app, dial, readAll, setup, until } from '../../test/helpers/agent.ts';
import { byHeader } from '../../test/helpers/http-agent.ts';
import type { MuxStream } from '../mux/index.ts';

const ANSWER = (name: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\nConnection: close\r\n\r\n${name}`;
const webApp = () =>
  app('app', '127.0.0.1', (socket) => {
    socket.on('data', () => socket.end(ANSWER('app')));
  });
const workstation = (stream: MuxStream) => {
  stream.on('error', () => {});
  stream.once('data', () => stream.end(ANSWER('mine')));
};
const get = async (port: number, mark = '') => {
  const socket = dial(port);
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${mark}\r\n`);
  return (await readAll(socket)).split('\r\n\r\n')[1];
};

describe('an http intercept', () => {
  it('takes its requests, and only them, until it is gone', async () => {
    const it = await setup(await webApp());
    it.manager.serve(workstation);
    await activate(it, { mechanism: 'http', http: byHeader('x-who', 'me') });
    expect(await get(it.port)).toBe('app');
    expect(await get(it.port, 'X-Who: me\r\n')).toBe('mine');
    it.manager.tell(['s1'], []);
    await until(() => it.manager.ready.at(-1)?.length === 0);
    expect(await get(it.port, 'X-Who: me\r\n')).toBe('app');
  });

  it('of several people: each gets its own; a session that is held nowhere leaves its requests to the app', async () => {
    const it = await setup(await webApp());
    it.manager.serve((stream, header) => {
      stream.on('error', () => {});
      stream.once('data', () => stream.end(ANSWER(header.intercept)));
    });
    await activate(it, { mechanism: 'http', http: byHeader('x-who', 'me') });
    it.manager.tell(
      ['s1', 's2'],
      [
        it.intercept({ mechanism: 'http', http: byHeader('x-who', 'alice'), uid: 'alice' }),
        it.intercept({ mechanism: 'http', http: byHeader('x-who', 'bob'), uid: 'bob', session: 's2' }),
        it.intercept({ mechanism: 'http', http: byHeader('x-who', 'eve'), uid: 'eve', session: 's3' }),
      ],
    );
    await until(() => it.manager.ready.at(-1)?.length === 2);
    expect(await Promise.all(['alice', 'bob', 'eve', 'nobody'].map((who) => get(it.port, `x-who: ${who}\r\n`)))).toEqual(['alice', 'bob', 'app', 'app']);
  });

  it('is counted: what it took, and nothing else', async () => {
    const it = await setup(await webApp());
    it.manager.serve(workstation);
    await activate(it, { mechanism: 'http', http: byHeader('x-who', 'me') });
    for (let i = 0; i < 3; i += 1) await get(it.port, 'X-Who: me\r\n');
    await get(it.port);
    await until(() => it.manager.taken.at(-1)?.['i1'] === 3);
    await get(it.port, 'X-Who: me\r\n');
    await until(() => it.manager.taken.at(-1)?.['i1'] === 4);
  });

  it('looks for a probe’s mark while a manager asks for it', async () => {
    const it = await setup(await webApp());
    it.manager.serve(workstation);
    await activate(it, { mechanism: 'http', http: byHeader('x-who', 'me') });
    const [peer] = it.manager.agents;
    const id = 'ab'.repeat(16);
    peer?.notify('probe', { id, forMs: 5_000 });
    // what is said on one stream arrives in order
    peer?.notify('sessions', { held: ['s1'] });
    await until(() => it.agent.links.count > 0);
    for (let seen = 0; seen < 1; seen = it.manager.probed.at(-1)?.marked ?? 0) await get(it.port, `X-Telepresence-Intercept-Id: ${id}:doctor\r\n`);
    const before = it.manager.probed.at(-1)?.unmarked ?? 0;
    await get(it.port);
    await until(() => (it.manager.probed.at(-1)?.unmarked ?? 0) > before);
    expect(it.manager.probed.at(-1)).toMatchObject({ id });
  });

  it('whose pattern can’t be used is told of, and others go on', async () => {
    const it = await setup(await webApp());
    it.manager.serve(workstation);
    await activate(it, { mechanism: 'http', http: byHeader('x-who', 'me') });
    it.manager.tell(
      ['s1'],
      [
        it.intercept({ mechanism: 'http', http: byHeader('x-who', 'me') }),
        it.intercept({ mechanism: 'http', http: { headers: [{ name: 'x', value: { regex: '(a)\\1' } }], paths: [] }, uid: 'bad' }),
      ],
    );
    await until(() => it.manager.errors.length > 0);
    expect(it.manager.errors[0]).toMatchObject({ intercept: 'bad', message: expect.stringContaining('is not RE2') });
    expect(await get(it.port, 'X-Who: me\r\n')).toBe('mine');
  });
});

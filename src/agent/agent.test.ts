import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { activate, app, ask, cleanups, dial, environment, failure, managerCertificate, setup, startAgent, until } from '../../test/helpers/agent.ts';
import { startFakeManager } from '../../test/helpers/fake-manager.ts';
import { silentLog } from '../base/log.ts';
import { mintCa } from '../manager/tls/certificates.ts';
import { AGENT_ENV, agentConfigSchema } from '../protocol/agent-config.ts';
import { managerServername, readSettings } from './settings.ts';

describe('without an intercept', () => {
  it('passes connections to the app, with half-close, and is ready without a manager', async () => {
    const { agent, manager, port } = await setup(await app());
    manager.close();
    expect(await ask(port, 'hello')).toBe('app:hello');
    const health = await fetch(`http://127.0.0.1:${agent.healthPort}/readyz`);
    expect(health.status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${agent.healthPort}/other`)).status).toBe(404);
  });

  it('is not ready before its managers said what to take, but after 2 s without a word of them', async () => {
    const silent = createServer((socket) => void sockets.push(socket.on('error', () => {})));
    const sockets: Socket[] = [];
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      silent.close();
      for (const socket of sockets) socket.destroy();
    });
    const started = performance.now();
    const agent = await startAgent(environment(await app(), (silent.address() as AddressInfo).port));
    expect((await fetch(`http://127.0.0.1:${agent.healthPort}/healthz`)).status).toBe(200);
    const alive = performance.now() - started;
    expect((await fetch(`http://127.0.0.1:${agent.healthPort}/readyz`)).status).toBe(200);
    const ready = performance.now() - started;
    expect([alive < 1_500, ready > 1_900]).toEqual([true, true]);

    const running = await setup(await app());
    running.manager.tell(['s1'], [running.intercept()]);
    expect((await fetch(`http://127.0.0.1:${running.agent.healthPort}/readyz`)).status).toBe(200);
    expect(running.agent.links.intercepts).toHaveLength(1);
  });

  it('carries much, both ways at once, byte-exact', async () => {
    const { port } = await setup(await app('', '127.0.0.1', (socket) => socket.pipe(socket)));
    const sent = Buffer.alloc(24 * 1024 * 1024, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
    const socket = dial(port);
    socket.end(sent);
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });

  it('does not read a client whose app does not read', async () => {
    const stalled: Socket[] = [];
    const { port } = await setup(await app('', '127.0.0.1', (socket) => void stalled.push(socket.pause())));
    const socket = dial(port);
    let sent = 0;
    const chunk = Buffer.alloc(1024 * 1024);
    // Ends when the kernel's buffers and ours are full: a drain that doesn't come.
    for (;;) {
      sent += chunk.length;
      if (socket.write(chunk)) continue;
      if ((await Promise.race([once(socket, 'drain'), new Promise((resolve) => setTimeout(() => resolve('full'), 300))])) === 'full') break;
    }
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    let got = 0;
    stalled[0]?.on('data', (data: Buffer) => {
      got += data.length;
    });
    stalled[0]?.resume();
    socket.end();
    await once(stalled[0] as Socket, 'end');
    expect(got).toBe(sent);
  });

  it('finds an app that listens on the pod address only', async () => {
    const { port } = await setup(await app('pod', '127.0.0.2'));
    expect(await ask(port, 'x')).toBe('pod:x');
    expect(await ask(port, 'y')).toBe('pod:y');
  });

  it('resets clients of an app that is not there, and those whose app broke off', async () => {
    const closed = await app();
    await cleanups.pop()?.();
    const gone = await setup(closed);
    const socket = dial(gone.port);
    expect(await failure(socket)).toBe('ECONNRESET');
    const breaking = await setup(await app('', '127.0.0.1', (connection) => connection.resetAndDestroy()));
    const other = dial(breaking.port);
    expect(await failure(other)).toBe('ECONNRESET');
    await until(() => breaking.agent.links.count > 0);
  });
});

describe('its link', () => {
  it('greets with the token and its pod, and gives environments of containers', async () => {
    const { manager } = await setup(await app());
    await until(() => manager.agents.length === 1);
    expect(manager.hellos[0]).toMatchObject({
      token: 'the-token',
      pod: 'web-1',
      namespace: 'shop',
      podIP: '127.0.0.2',
      workload: { kind: 'Deployment', name: 'web' },
    });
    expect(await manager.agents[0]?.call('environment', {})).toEqual({ container: 'web', pod: 'web-1', podIP: '127.0.0.2', env: { GREETING: 'hi' } });
    expect(await manager.agents[0]?.call('environment', { container: 'helper' })).toMatchObject({ env: { GREETING: 'ho' } });
    await expect(manager.agents[0]?.call('environment', { container: 'none' })).rejects.toMatchObject({ code: 'TP-CONTAINER-UNKNOWN' });
  });

  it('comes back after it was lost, and says again what it takes', async () => {
    const running = await setup(await app());
    const { manager } = running;
    await activate(running);
    const before = manager.ready.length;
    manager.muxes[0]?.abort(new Error('lost'));
    await until(() => manager.hellos.length === 2);
    await until(() => manager.ready.length > before);
    expect(manager.ready.at(-1)).toEqual(['i1']);
  });

  it('is made to every replica that a manager names', async () => {
    const second = '127.0.0.3';
    const manager = await startFakeManager(await managerCertificate(), {
      peers: [
        { name: 'a', address: '127.0.0.1' },
        { name: 'b', address: second },
      ],
    });
    const sockets: Socket[] = [];
    const other = createServer((socket) => void sockets.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => other.listen(manager.port, second, resolve));
    cleanups.push(
      () => manager.close(),
      () => other.close(),
      () => {
        for (const socket of sockets) socket.destroy();
      },
    );
    await startAgent(environment(await app(), manager.port));
    await until(() => sockets.length > 0);
  });

  it('begins where the managers were when the pod was made, whatever its DNS does', async () => {
    const manager = await startFakeManager(await managerCertificate());
    cleanups.push(() => manager.close());
    const env = { ...environment(await app(), manager.port), [AGENT_ENV.managerAddresses]: '127.0.0.1,broken' };
    await startAgent(env, silentLog, () => new Promise<string[]>(() => {}));
    await until(() => manager.agents.length === 1);
  });

  it('is refused to a manager of another authority', async () => {
    const foreign = await mintCa({ name: 'foreign', now: Date.now() });
    const manager = await startFakeManager(await managerCertificate(foreign));
    cleanups.push(() => manager.close());
    let tries = 0;
    const info = (message: string) => {
      if (message.includes('could not be linked')) tries++;
    };
    await startAgent(environment(await app(), manager.port), { ...silentLog, info });
    await until(() => tries > 0);
    expect(manager.hellos).toEqual([]);
  });

  it('reports intercepts that it can not serve', async () => {
    const { manager, intercept } = await setup(await app());
    await until(() => manager.agents.length === 1);
    manager.tell(['s1'], [intercept({ containerPort: 1 })]);
    await until(() => manager.errors.length === 1);
    expect(manager.errors[0]).toMatchObject({ intercept: 'i1', message: expect.stringContaining('TCP port 1') });
  });
});

describe('the process', () => {
  it('serves until its app is gone, and ends then', async () => {
    const free = async () => {
      const port = await app();
      await cleanups.pop()?.();
      return port;
    };
    const open: Socket[] = [];
    const appServer = createServer((socket) => void open.push(socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk))));
    await new Promise<void>((resolve) => appServer.listen(0, '127.0.0.1', resolve));
    const agentPort = await free();
    const env = environment((appServer.address() as AddressInfo).port, 1, { agentPort });
    const child = spawn(process.execPath, [path.join(import.meta.dirname, '../../bin/agent.ts')], {
      env: { ...env, PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await until(() => output.includes('listening'));
    const socket = dial(agentPort);
    socket.write('a');
    await once(socket, 'data');
    child.kill('SIGTERM');
    await until(() => output.includes('draining'));
    socket.write('b');
    expect(String((await once(socket, 'data'))[0])).toBe('b');
    const late = dial(agentPort);
    late.write('c');
    expect(String((await once(late, 'data'))[0])).toBe('c');
    appServer.close();
    for (const connection of open) connection.destroy();
    expect(await exited).toEqual([0, null]);
    expect(output).not.toContain('hi');
  });
});

describe('settings', () => {
  it('name the variable that is wrong', () => {
    const env = environment(80, 8444);
    expect(readSettings(env).config.ports).toHaveLength(1);
    for (const name of [AGENT_ENV.config, AGENT_ENV.managerPort, AGENT_ENV.ca]) {
      expect(() => readSettings({ ...env, [name]: name === AGENT_ENV.ca ? '' : '{"a":' })).toThrow(name);
    }
    expect(agentConfigSchema.safeParse({}).success).toBe(false);
  });

  it("know the name in the managers' certificates from any form of their host name", () => {
    for (const host of ['a.b', 'a.b.svc', 'a.b.svc.cluster.local']) expect(managerServername(host)).toBe('a.b.svc');
  });
});

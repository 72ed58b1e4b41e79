import { spawn } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { mintCa, mintLeaf } from '../manager/tls/certificates.ts';
import type { MuxStream } from '../mux/index.ts';
import { AGENT_ENV, agentConfigSchema } from '../protocol/agent-config.ts';
import type { AgentIntercept } from '../protocol/tunnel.ts';
import { createDatagramStream } from '../tunnel/index.ts';
import { Agent } from './agent.ts';
import { type FakeManager, startFakeManager } from './fake-manager.ts';
import { REPLAY_LIMIT } from './limits.ts';
import { managerServername, readSettings } from './settings.ts';

let ca: { certificate: string; key: string };
let leaf: { certificate: string; key: string };
let folder: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  ca = await mintCa({ name: 'test', now: Date.now() });
  leaf = await mintLeaf({ ca, name: 'm', hosts: ['traffic-manager-agents.ambassador.svc'], now: Date.now() });
  folder = await mkdtemp(path.join(tmpdir(), 'agent-'));
  await writeFile(path.join(folder, 'token'), 'the-token\n');
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

/** An app that answers each connection with `<name>:` and what it got. */
async function app(name = 'app', host = '127.0.0.1', onConnection?: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (onConnection !== undefined) return onConnection(socket);
    let first = true;
    socket.on('data', (chunk) => {
      if (first) socket.write(`${name}:`);
      first = false;
      socket.write(chunk);
    });
    socket.on('end', () => socket.end());
  });
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

interface Setup {
  agent: Agent;
  manager: FakeManager;
  port: number;
  intercept(more?: Partial<AgentIntercept>): AgentIntercept;
}

function environment(appPort: number, managerPort: number, more: Record<string, unknown> = {}): Record<string, string> {
  const port = { container: 'web', containerPort: appPort, protocol: 'TCP', mode: 'named', agentPort: 0, ...more };
  return {
    [AGENT_ENV.config]: JSON.stringify({ version: 1, workload: { kind: 'Deployment', name: 'web', namespace: 'shop' }, manager: 'ambassador', ports: [port], healthPort: 0 }),
    [AGENT_ENV.containers]: JSON.stringify({ A: 'web', B: 'helper' }),
    [AGENT_ENV.pod]: 'web-1',
    [AGENT_ENV.podIP]: '127.0.0.2',
    [AGENT_ENV.namespace]: 'shop',
    [AGENT_ENV.manager]: 'traffic-manager-agents.ambassador',
    [AGENT_ENV.managerPort]: String(managerPort),
    [AGENT_ENV.ca]: ca.certificate,
    _TEL_APP_A_GREETING: 'hi',
    _TEL_APP_B_GREETING: 'ho',
  };
}

async function setup(appPort: number, more: Record<string, unknown> = {}): Promise<Setup> {
  const manager = await startFakeManager(leaf);
  const env = environment(appPort, manager.port, more);
  const settings = { ...readSettings(env), tokenFile: path.join(folder, 'token') };
  const agent = await Agent.start({ settings, env, log: silentLog, resolve: async () => ['127.0.0.1'] });
  cleanups.push(() => manager.close(), () => agent.close());
  const protocol = more['protocol'] === 'UDP' ? 'UDP' : 'TCP';
  return {
    agent,
    manager,
    port: agent.ports[0] as number,
    intercept: (changes) => ({ uid: 'i1', name: 'web', session: 's1', containerPort: appPort, protocol, mechanism: 'tcp', fallback: false, proofHeader: true, ...changes }),
  };
}

/** Tells the agent of an intercept, and waits until it takes it. */
async function activate({ manager, intercept }: Setup, changes: Partial<AgentIntercept> = {}, held = ['s1']): Promise<void> {
  await until(() => manager.agents.length > 0);
  manager.tell(held, [intercept(changes)]);
  await until(() => manager.ready.at(-1)?.length === 1);
}

function dial(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

async function readAll(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function ask(port: number, text: string): Promise<string> {
  const socket = dial(port);
  socket.end(text);
  return readAll(socket);
}

const failure = (socket: Socket) => new Promise<string>((resolve) => socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')));
const workstation = (stream: MuxStream) => {
  stream.write('mine:');
  stream.pipe(stream);
};

describe('without an intercept', () => {
  it('passes connections to the app, with half-close, and is ready without a manager', async () => {
    const { agent, manager, port } = await setup(await app());
    manager.close();
    expect(await ask(port, 'hello')).toBe('app:hello');
    const health = await fetch(`http://127.0.0.1:${agent.healthPort}/readyz`);
    expect(health.status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${agent.healthPort}/other`)).status).toBe(404);
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
    expect(manager.hellos[0]).toMatchObject({ token: 'the-token', pod: 'web-1', namespace: 'shop', podIP: '127.0.0.2', workload: { kind: 'Deployment', name: 'web' } });
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
    const manager = await startFakeManager(leaf, { peers: [{ name: 'a', address: '127.0.0.1' }, { name: 'b', address: second }] });
    const sockets: Socket[] = [];
    const other = createServer((socket) => void sockets.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => other.listen(manager.port, second, resolve));
    const env = environment(await app(), manager.port);
    const agent = await Agent.start({ settings: { ...readSettings(env), tokenFile: path.join(folder, 'token') }, env, log: silentLog, resolve: async () => ['127.0.0.1'] });
    cleanups.push(() => manager.close(), () => other.close(), () => agent.close(), () => sockets.forEach((socket) => socket.destroy()));
    await until(() => sockets.length > 0);
  });

  it('is refused to a manager of another authority', async () => {
    const foreign = await mintCa({ name: 'foreign', now: Date.now() });
    const manager = await startFakeManager(await mintLeaf({ ca: foreign, name: 'm', hosts: ['traffic-manager-agents.ambassador.svc'], now: Date.now() }));
    const env = environment(await app(), manager.port);
    let tries = 0;
    const agent = await Agent.start({ settings: { ...readSettings(env), tokenFile: path.join(folder, 'token') }, env, log: { ...silentLog, info: (message) => void (tries += message.includes('could not be linked') ? 1 : 0) }, resolve: async () => ['127.0.0.1'] });
    cleanups.push(() => manager.close(), () => agent.close());
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

describe('a tcp intercept', () => {
  it('takes new connections, says whose, and gives them back when it ends', async () => {
    const running = await setup(await app());
    const { manager, port } = running;
    const headers: unknown[] = [];
    manager.serve((stream, header) => {
      headers.push(header);
      workstation(stream);
    });
    const old = dial(port);
    old.write('old');
    await once(old, 'data');
    await activate(running);
    expect(await ask(port, 'new')).toBe('mine:new');
    expect(headers[0]).toMatchObject({ session: 's1', intercept: 'i1', protocol: 'TCP', peer: expect.stringMatching(/127\.0\.0\.1:\d+$/) });
    old.end('!');
    expect(await readAll(old)).toMatch(/!$/);
    manager.tell([], []);
    await until(() => manager.ready.at(-1)?.length === 0);
    expect(await ask(port, 'again')).toBe('app:again');
  });

  it('is not said to be taken before its session is held somewhere', async () => {
    const { manager, intercept, port } = await setup(await app());
    await until(() => manager.agents.length === 1);
    manager.tell([], [intercept()]);
    expect(await ask(port, 'x')).toBe('app:x');
    expect(manager.ready.flat()).toEqual([]);
    manager.tell(['s1'], [intercept()]);
    await until(() => manager.ready.at(-1)?.length === 1);
  });

  it('falls back to the app while the workstation is gone, with every byte that was sent', async () => {
    const running = await setup(await app());
    const { manager, port, intercept } = running;
    await activate(running);
    // The manager has lost it, and the agent doesn't know yet.
    manager.serve((stream) => {
      stream.on('data', () => stream.reset('gone'));
    });
    expect(await ask(port, 'hello')).toBe('app:hello');
    manager.tell([], [intercept()]);
    await until(() => !running.agent.links.holds('s1'));
    expect(await ask(port, 'hello')).toBe('app:hello');
    expect(manager.ready.at(-1)).toEqual(['i1']);
  });

  it('goes to the app while no manager is there at all', async () => {
    const running = await setup(await app());
    await activate(running);
    running.manager.close();
    await until(() => running.agent.links.count === 0);
    expect(await ask(running.port, 'x')).toBe('app:x');
  });

  it('refuses where the process refuses; with fallback the app answers', async () => {
    const running = await setup(await app());
    running.manager.serve((stream) => stream.reset('refused'));
    await activate(running);
    const socket = dial(running.port);
    socket.write('x');
    expect(await failure(socket)).toBe('ECONNRESET');
    running.manager.tell(['s1'], [running.intercept({ uid: 'i2', fallback: true })]);
    await until(() => running.manager.ready.at(-1)?.[0] === 'i2');
    expect(await ask(running.port, 'hello')).toBe('app:hello');
  });

  it('breaks the client off, and never sends half to the app, when the workstation dies in the middle', async () => {
    let reached = 0;
    const running = await setup(await app('', '127.0.0.1', () => void reached++));
    running.manager.serve((stream) => {
      stream.write('begun');
      stream.once('data', () => stream.reset('gone'));
    });
    await activate(running);
    const socket = dial(running.port);
    await once(socket, 'data');
    const failed = failure(socket);
    socket.write('x');
    expect(await failed).toBe('ECONNRESET');
    expect(reached).toBe(0);
  });

  it('breaks off a client that had sent too much to be sent again', async () => {
    const running = await setup(await app());
    let got = 0;
    running.manager.serve((stream) => {
      stream.on('data', (chunk: Buffer) => {
        got += chunk.length;
        if (got > REPLAY_LIMIT) stream.reset('gone');
      });
    });
    await activate(running);
    const socket = dial(running.port);
    socket.write(Buffer.alloc(REPLAY_LIMIT * 2));
    expect(await failure(socket)).toMatch(/ECONNRESET|EPIPE/);
  });

  it('tells the workstation when the client breaks off', async () => {
    const running = await setup(await app());
    const reason = Promise.withResolvers<string | undefined>();
    running.manager.serve((stream) => {
      stream.resume();
      stream.on('close', () => reason.resolve(stream.resetReason));
    });
    await activate(running);
    const socket = dial(running.port);
    socket.write('x');
    await until(() => running.manager.muxes[0]?.streams === 2);
    socket.resetAndDestroy();
    expect(await reason.promise).toBe('aborted');
  });

  it('leaves the kubelet\'s probes to the app', async () => {
    const running = await setup(await app(), { probePort: 0 });
    running.manager.serve(workstation);
    await activate(running);
    expect(await ask(running.port, 'x')).toBe('mine:x');
    expect(await ask(running.agent.probePorts[0] as number, 'probe')).toBe('app:probe');
  });
});

describe('UDP', () => {
  async function udpApp(host: string): Promise<number> {
    const socket = createSocket('udp4');
    socket.on('message', (datagram, from) => socket.send(`app:${datagram.toString()}`, from.port, from.address));
    cleanups.push(() => socket.close());
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    return socket.address().port;
  }
  function client(): UdpSocket {
    const socket = createSocket('udp4');
    cleanups.push(() => socket.close());
    return socket;
  }
  async function exchange(socket: UdpSocket, port: number, text: string): Promise<string> {
    const answer = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(text, port, '127.0.0.1');
    return (await answer)[0].toString();
  }

  it('goes to the app, and to the workstation from the moment of an intercept, for one source too', async () => {
    const running = await setup(await udpApp('127.0.0.1'), { protocol: 'UDP' });
    const { manager, port, intercept } = running;
    const socket = client();
    expect(await exchange(socket, port, 'a')).toBe('app:a');
    manager.serve((stream, header) => {
      expect(header.protocol).toBe('UDP');
      const datagrams = createDatagramStream(stream);
      datagrams.onDatagram((datagram) => void datagrams.send(Buffer.from(`mine:${datagram.toString().length}`)));
    });
    await activate(running);
    expect(await exchange(socket, port, 'b')).toBe('mine:1');
    expect(await exchange(socket, port, 'x'.repeat(60_000))).toBe('mine:60000');
    expect(manager.muxes[0]?.streams).toBe(2);
    manager.tell([], [intercept()]);
    await until(() => !running.agent.links.holds('s1'));
    expect(await exchange(socket, port, 'c')).toBe('app:c');
  });

  it('finds an app on the pod address, by the next datagram', async () => {
    const { port } = await setup(await udpApp('127.0.0.2'), { protocol: 'UDP' });
    const socket = client();
    const answer = once(socket, 'message');
    const again = setInterval(() => socket.send('x', port, '127.0.0.1'), 20);
    await answer;
    clearInterval(again);
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
    const child = spawn(process.execPath, [path.join(import.meta.dirname, '../../bin/agent.ts')], { env: { ...env, PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'inherit'] });
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

  it('know the name in the managers\' certificates from any form of their host name', () => {
    for (const host of ['a.b', 'a.b.svc', 'a.b.svc.cluster.local']) expect(managerServername(host)).toBe('a.b.svc');
  });
});

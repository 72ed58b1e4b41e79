import { spawn } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  activate,
  app,
  ask,
  cleanups,
  dial,
  environment,
  failure,
  interceptOf,
  managerCertificate,
  readAll,
  setup,
  startAgent,
  until,
  workstation,
} from '../../test/helpers/agent.ts';
import { startFakeManager } from '../../test/helpers/fake-manager.ts';
import { createDatagramStream } from '../tunnel/index.ts';
import { REPLAY_LIMIT } from './limits.ts';

describe('a tcp intercept', () => {
  it('takes new connections, says whose, and gives them back when it ends', async () => {
    // answers when it has heard all: a connection whose question is open is nobody's to end
    const heard = Promise.withResolvers<void>();
    const slow = await app('app', '127.0.0.1', (socket) => {
      socket.once('data', () => heard.resolve());
      void readAll(socket).then((text) => socket.end(`app:${text}`));
    });
    const running = await setup(slow);
    const { manager, port } = running;
    const headers: unknown[] = [];
    manager.serve((stream, header) => {
      headers.push(header);
      workstation(stream);
    });
    const old = dial(port);
    old.write('old');
    await heard.promise;
    await activate(running);
    // At once: a connection of before that is idle is ended soon.
    old.end('!');
    expect(await readAll(old)).toBe('app:old!');
    expect(await ask(port, 'new')).toBe('mine:new');
    expect(headers[0]).toMatchObject({ session: 's1', intercept: 'i1', protocol: 'TCP', peer: expect.stringMatching(/127\.0\.0\.1:\d+$/) });
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

  it('goes by a manager that knows of it, while the view of another is behind', async () => {
    const behind = await startFakeManager(await managerCertificate(), { address: '127.0.0.3' });
    const peers = ['127.0.0.1', '127.0.0.3'].map((address) => ({ name: address, address }));
    const ahead = await startFakeManager(await managerCertificate(), { port: behind.port, peers });
    cleanups.push(
      () => behind.close(),
      () => ahead.close(),
    );
    behind.tell(['s1'], []);
    const appPort = await app();
    const agent = await startAgent(environment(appPort, behind.port));
    await until(() => ahead.agents.length === 1 && behind.agents.length === 1);
    ahead.serve(workstation);
    ahead.tell(['s1'], [interceptOf(appPort)]);
    await until(() => ahead.ready.at(-1)?.length === 1);
    for (let count = 0; count < 4; count++) expect(await ask(agent.ports[0] as number, 'x')).toBe('mine:x');
    expect(behind.muxes[0]?.streams).toBe(1);
  });

  it('waits for its port, while that is still being opened', async () => {
    const manager = await startFakeManager(await managerCertificate());
    cleanups.push(() => manager.close());
    const secret = await mkdtemp(path.join(tmpdir(), 'slow-secret-'));
    cleanups.push(() => rm(secret, { recursive: true }));
    // a certificate that comes only when somebody writes it
    const certificate = path.join(secret, 'tls.crt');
    await once(spawn('mkfifo', [certificate]), 'exit');
    const starting = startAgent(environment(8080, manager.port, { tls: { certificate: secret } }));
    await until(() => manager.agents.length === 1);
    const one = { uid: 'i1', name: 'web', session: 's1', containerPort: 8080, protocol: 'TCP', mechanism: 'tcp', fallback: false } as const;
    manager.tell(['s1'], [{ ...one, proofHeader: true, plaintext: false }]);
    // what was told is known when this is answered
    await manager.agents[0]?.call('environment', {});
    await writeFile(certificate, '');
    await starting;
    await until(() => manager.ready.at(-1)?.length === 1);
    expect(manager.errors).toEqual([]);
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

  it("leaves the kubelet's probes to the app", async () => {
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

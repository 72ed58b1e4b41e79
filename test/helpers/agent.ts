/** For the agent's tests: an agent, an app and a manager on the loopback. Its hooks are those of the file that imports it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Agent } from '../../src/agent/agent.ts';
import { readSettings } from '../../src/agent/settings.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { mintCa, mintLeaf } from '../../src/manager/tls/certificates.ts';
import type { MuxStream } from '../../src/mux/index.ts';
import { AGENT_ENV } from '../../src/protocol/agent-config.ts';
import type { AgentIntercept } from '../../src/protocol/tunnel.ts';
import { type FakeManager, startFakeManager } from './fake-manager.ts';

let ca: { certificate: string; key: string };
let leaf: { certificate: string; key: string };
let folder: string;
export const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  ca = await mintCa({ name: 'test', now: Date.now() });
  leaf = await managerCertificate();
  folder = await mkdtemp(path.join(tmpdir(), 'agent-'));
  await writeFile(path.join(folder, 'token'), 'the-token\n');
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

/** An app that answers each connection with `<name>:` and what it got. */
export async function app(name = 'app', host = '127.0.0.1', onConnection?: (socket: Socket) => void): Promise<number> {
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

export interface Setup {
  agent: Agent;
  manager: FakeManager;
  port: number;
  intercept(more?: Partial<AgentIntercept>): AgentIntercept;
}

export function environment(appPort: number, managerPort: number, more: Record<string, unknown> = {}): Record<string, string> {
  const port = { container: 'web', containerPort: appPort, protocol: 'TCP', mode: 'named', agentPort: 0, ...more };
  return {
    [AGENT_ENV.config]: JSON.stringify({
      version: 1,
      workload: { kind: 'Deployment', name: 'web', namespace: 'shop' },
      manager: 'ambassador',
      ports: [port],
      healthPort: 0,
    }),
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

/** An agent in this process, whose manager is found on the loopback. */
export async function startAgent(env: Record<string, string>, log: Log = silentLog, resolve = async () => ['127.0.0.1']): Promise<Agent> {
  const settings = { ...readSettings(env), tokenFile: path.join(folder, 'token') };
  const agent = await Agent.start({ settings, env, log, resolve });
  cleanups.push(() => agent.close());
  return agent;
}

/** A certificate for a manager, of the agents' authority or of another. */
export async function managerCertificate(authority: { certificate: string; key: string } = ca): Promise<{ certificate: string; key: string }> {
  return await mintLeaf({ ca: authority, name: 'm', hosts: ['traffic-manager-agents.ambassador.svc'], now: Date.now() });
}

/** Of all that comes to the port, for session s1. */
export const interceptOf = (containerPort: number, protocol: 'TCP' | 'UDP' = 'TCP'): AgentIntercept => ({
  uid: 'i1',
  name: 'web',
  session: 's1',
  containerPort,
  protocol,
  mechanism: 'tcp',
  fallback: false,
  proofHeader: true,
  plaintext: false,
});

/** @param keys public keys of sessions that may come directly */
export async function setup(appPort: number, more: Record<string, unknown> = {}, keys?: Record<string, string>): Promise<Setup> {
  const manager = await startFakeManager(leaf, keys === undefined ? {} : { keys });
  const agent = await startAgent(environment(appPort, manager.port, more));
  cleanups.push(() => manager.close());
  const protocol = more['protocol'] === 'UDP' ? 'UDP' : 'TCP';
  return {
    agent,
    manager,
    port: agent.ports[0] as number,
    intercept: (changes) => ({ ...interceptOf(appPort, protocol), ...changes }),
  };
}

/** Tells the agent of an intercept, and waits until it takes it. */
export async function activate({ manager, intercept }: Setup, changes: Partial<AgentIntercept> = {}, held = ['s1']): Promise<void> {
  await until(() => manager.agents.length > 0);
  manager.tell(held, [intercept(changes)]);
  await until(() => manager.ready.at(-1)?.length === 1);
}

export function dial(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

export async function readAll(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function ask(port: number, text: string): Promise<string> {
  const socket = dial(port);
  socket.end(text);
  return readAll(socket);
}

export const failure = (socket: Socket) => new Promise<string>((resolve) => socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')));
export const workstation = (stream: MuxStream) => {
  stream.write('mine:');
  stream.pipe(stream);
};

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import type { KubeClient } from '../../kube/index.ts';
import { createMux, type MuxStream } from '../../mux/index.ts';
import type { Intercept, Session } from '../../protocol/resources.ts';
import type { AgentIntercept } from '../../protocol/tunnel.ts';
import { createRpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader, readStreamHeader } from '../../tunnel/index.ts';
import { fakeWatched } from '../fake-watched.ts';
import { createMetrics } from '../metrics.ts';
import { createWaitingBytes } from '../outbound/waiting.ts';
import { createSessionRegistry } from '../sessions/registry.ts';
import { mintCa } from '../tls/certificates.ts';
import { createManagerTls } from '../tls/index.ts';
import { startAgentServer } from './index.ts';
import { AGENT_CERTIFICATES_LIMIT } from './link.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function claim(workload: string, status: Intercept['status'] = { phase: 'Waiting', granted: true, containerPort: 8080 }): Intercept {
  return {
    apiVersion: 'telepresence.io/v1',
    kind: 'Intercept',
    metadata: { name: workload, namespace: 'shop', uid: `claim-${workload}`, creationTimestamp: '2030-01-01T00:00:00Z' },
    spec: {
      name: workload,
      user: 'alice',
      session: { name: 's', namespace: 'ambassador', uid: 'u1' },
      workload: { kind: 'Deployment', name: workload },
      port: { number: 80, protocol: 'TCP' },
      mechanism: 'tcp',
      target: { host: '127.0.0.1', port: 1 },
    },
    ...(status === undefined ? {} : { status }),
  };
}

async function setup() {
  const ca = await mintCa({ name: 'test', now: Date.now() });
  const tls = await createManagerTls({ ca, namespace: 'ambassador', podIP: '127.0.0.1', log: silentLog });
  const sessions = createSessionRegistry({ log: silentLog });
  const intercepts = fakeWatched<Intercept>();
  const controller = new AbortController();
  const server = await startAgentServer({
    kube: {} as KubeClient,
    tls,
    port: 0,
    replica: 'mgr-1',
    intercepts,
    sessions,
    peers: {
      list: () => [{ name: 'mgr-1', address: '127.0.0.1' }],
      alive: () => new Set(),
      addresses: () => new Set(),
      onChange: () => () => {},
      close: () => {},
    },
    metrics: createMetrics(),
    waiting: createWaitingBytes({ log: silentLog }),
    log: silentLog,
    signal: controller.signal,
    verify: async (hello) => {
      if (hello.token !== 'good') throw new CodedError('TP-SESSION-REFUSED', 'The token is not valid.');
      return { pod: hello.pod, podUid: 'p', namespace: 'shop', workload: { namespace: 'shop', kind: hello.workload.kind, name: hello.workload.name } };
    },
  });
  stops.push(
    () => tls.close(),
    () => sessions.close(),
    () => controller.abort(),
    () => server.close(),
  );

  /** A workstation that answers every intercepted connection with what it gets. */
  const workstation = () => {
    const [near, far] = duplexPair();
    const mux = createMux(near, { role: 'server', log: silentLog });
    const onStream = (stream: MuxStream) => void readStreamHeader(stream).then(() => stream.pipe(stream));
    const peer = createMux(far, { role: 'client', log: silentLog, onStream });
    stops.push(() => peer.abort(new Error('over')));
    const notified: [string, unknown][] = [];
    sessions.attach({ metadata: { name: 's', uid: 'u1' }, spec: { user: 'alice', publicKey: 'key of alice' } } as unknown as Session, {
      kind: 'data',
      mux,
      heardAt: () => performance.now(),
      notify: (method, params) => void notified.push([method, params]),
    });
    return { mux, notified };
  };
  const agent = async (hello: { token?: string; workload?: string } = {}) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: ca.certificate, servername: 'traffic-manager-agents.ambassador.svc' });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    const mux = createMux(socket, { role: 'client', log: silentLog });
    stops.push(() => mux.abort(new Error('over')));
    const told: { intercepts: AgentIntercept[][]; held: string[][] } = { intercepts: [], held: [] };
    const keys: Record<string, string>[] = [];
    const rpc = createRpcPeer(mux.open(encodeStreamHeader({ t: 'agent-control' })), {
      log: silentLog,
      handlers: { environment: () => ({ container: 'c', pod: 'p', env: { A: '1' } }) },
      onNotify: {
        intercepts: (params) => told.intercepts.push((params as { intercepts: AgentIntercept[] }).intercepts),
        sessions: (params) => {
          told.held.push((params as { held: string[] }).held);
          keys.push((params as { keys: Record<string, string> }).keys);
        },
      },
    });
    const answer = rpc.call('hello', {
      version: '1',
      token: hello.token ?? 'good',
      pod: 'pod-1',
      namespace: 'shop',
      podIP: '10.0.0.1',
      workload: { kind: 'Deployment', name: hello.workload ?? 'web' },
    });
    answer.catch(() => {});
    const intercepted = async (header: { session?: string; intercept?: string } = {}) => {
      const stream = mux.open(
        encodeStreamHeader({ t: 'intercept', session: 'u1', intercept: 'claim-web', protocol: 'TCP', peer: '10.0.0.9:1', ...header }, Buffer.from('hello')),
      );
      stream.on('error', () => {});
      const closed = new Promise<string | undefined>((resolve) => stream.once('close', () => resolve(stream.resetReason)));
      const data = new Promise<string>((resolve) => stream.once('data', (chunk) => resolve(String(chunk))));
      return Promise.race([closed, data]);
    };
    return { mux, rpc, told, keys, answer, intercepted };
  };
  return { server, intercepts, sessions, workstation, agent };
}
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

describe("the agents' port", () => {
  it('gives nothing to whoever does not prove itself', async () => {
    const { server, intercepts, workstation, agent } = await setup();
    workstation();
    intercepts.set(claim('web'));
    const { answer, mux, told, intercepted } = await agent({ token: 'bad' });
    await expect(intercepted()).resolves.toBe('protocol');
    await expect(answer).rejects.toThrow(/not valid/);
    await mux.closed;
    expect(told).toEqual({ intercepts: [], held: [] });
    expect(server.list()).toEqual([]);
  });

  it('tells an agent of granted claims on its own workload, and of their sessions', async () => {
    const { intercepts, workstation, agent } = await setup();
    intercepts.set(claim('other'));
    intercepts.set(claim('web', { phase: 'Waiting' }));
    const { answer, told } = await agent();
    await answer;
    await until(() => told.intercepts.length === 1);
    expect(told).toEqual({ intercepts: [[]], held: [[]] });
    intercepts.set(claim('web'));
    await until(() => told.intercepts.length === 2);
    expect(told.intercepts[1]).toMatchObject([{ uid: 'claim-web', session: 'u1', containerPort: 8080 }]);
    const { mux: tunnel } = workstation();
    await until(() => told.held.at(-1)?.[0] === 'u1');
    tunnel.abort(new Error('gone'));
    await until(() => told.held.at(-1)?.length === 0);
    intercepts.remove(claim('web'));
    await until(() => told.intercepts.at(-1)?.length === 0);
  });

  it("is silent about changes that are not the agents' affair", async () => {
    const { intercepts, agent } = await setup();
    intercepts.set(claim('web'));
    const { answer, told } = await agent();
    await answer;
    await until(() => told.intercepts.length === 1);
    intercepts.set(claim('web', { phase: 'Active', granted: true, containerPort: 8080, message: 'x' }));
    intercepts.set(claim('web', { phase: 'Error', granted: true, containerPort: 8080 }));
    await until(() => told.intercepts.length === 2);
    expect(told.intercepts[1]).toEqual([]);
  });

  it('tells an agent the keys of sessions that may come directly, and these where it takes them', async () => {
    const { server, intercepts, workstation, agent } = await setup();
    const { notified } = workstation();
    intercepts.set(claim('web'));
    const { answer, rpc, mux, keys } = await agent();
    expect(await answer).toMatchObject({ capabilities: expect.arrayContaining(['direct']) });
    await until(() => keys.length > 0);
    expect(keys.at(-1)).toEqual({ u1: 'key of alice' });
    const { certificate, key } = (await rpc.call('certificate', {})) as { certificate: string; key: string };
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(new X509Certificate(certificate).checkHost('traffic-manager-agents.ambassador.svc')).toBeUndefined();
    for (let more = 1; more < AGENT_CERTIFICATES_LIMIT; more++) await rpc.call('certificate', {});
    await expect(rpc.call('certificate', {})).rejects.toThrow(/too many/);

    const workload = { namespace: 'shop', kind: 'Deployment', name: 'web' };
    rpc.notify('direct', { port: 4711 });
    await until(() => notified.length === 1);
    expect(notified).toEqual([['direct', { workload, agents: [{ pod: 'pod-1', port: 4711 }] }]]);
    expect(server.direct('u1')).toEqual([{ workload, agents: [{ pod: 'pod-1', port: 4711 }] }]);
    expect(server.direct('u2')).toEqual([]);
    mux.abort(new Error('gone'));
    await until(() => notified.length === 2);
    expect(notified[1]).toEqual(['direct', { workload, agents: [] }]);
  });

  it('relays intercepted connections of its own claims only', async () => {
    const { intercepts, workstation, agent } = await setup();
    intercepts.set(claim('web'));
    intercepts.set(claim('other'));
    const { answer, intercepted } = await agent();
    await answer;
    expect(await intercepted()).toBe('gone');
    workstation();
    expect(await intercepted()).toBe('hello');
    expect(await intercepted({ intercept: 'claim-other' })).toBe('gone');
    expect(await intercepted({ session: 'u2' })).toBe('forbidden');
  });

  it('adds up what agents say they took, of their own claims', async () => {
    const { server, intercepts, agent } = await setup();
    intercepts.set(claim('web'));
    const workload = { namespace: 'shop', kind: 'Deployment', name: 'web' };
    expect(server.taken(workload, 'claim-web')).toBeUndefined();
    const { answer, rpc } = await agent();
    await answer;
    await until(() => server.taken(workload, 'claim-web') === 0);
    let told = 0;
    server.onTaken(() => (told += 1));
    rpc.notify('taken', { totals: { 'claim-web': 7, 'claim-other': 9 } });
    await until(() => server.taken(workload, 'claim-web') === 7);
    expect([told, server.taken({ ...workload, name: 'other' }, 'claim-other')]).toEqual([1, undefined]);
    intercepts.remove(claim('web'));
    expect(server.taken(workload, 'claim-web')).toBe(0);
  });

  it('keeps what agents take, and asks them for environments', async () => {
    const { server, agent } = await setup();
    const heard: string[] = [];
    server.onReady((_agent, what) => heard.push(what));
    const { answer, rpc, mux } = await agent();
    await answer;
    await rpc.call('ready', { intercepts: ['claim-web'] });
    const [linked] = server.of({ namespace: 'shop', kind: 'Deployment', name: 'web' });
    expect([...(linked?.ready ?? [])]).toEqual(['claim-web']);
    expect(await linked?.environment(undefined)).toMatchObject({ env: { A: '1' } });
    mux.abort(new Error('over'));
    await until(() => heard.includes('gone'));
    expect(heard).toEqual(['linked', 'ready', 'gone']);
    expect(server.list()).toEqual([]);
  });
});

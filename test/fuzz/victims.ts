/** The four ends of our links, each as its program runs it, and what an honest peer says to it: the frames that the fuzzers change. */
import { type Duplex, duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { greetManager } from '../../src/agent/link.ts';
import { silentLog } from '../../src/base/log.ts';
import { createClusterResolver } from '../../src/daemon/dns/index.ts';
import { OpenConnections } from '../../src/daemon/intercept/open-connections.ts';
import { serveInterceptStream } from '../../src/daemon/intercept/serve.ts';
import { openControl } from '../../src/daemon/tunnel/control.ts';
import { encodeMessage, questionMessage } from '../../src/dns/index.ts';
import { serveAgent } from '../../src/manager/agents/link.ts';
import type { ManagerContext } from '../../src/manager/context.ts';
import { serveDnsStream } from '../../src/manager/dns/index.ts';
import { createUserQuota } from '../../src/manager/outbound/quota.ts';
import { createWaitingBytes } from '../../src/manager/outbound/waiting.ts';
import type { LinkedSessions } from '../../src/manager/sessions/registry.ts';
import { serveTunnelStream, type TunnelStreamOptions } from '../../src/manager/tunnel/streams.ts';
import { createMux, type Mux, type MuxStream } from '../../src/mux/index.ts';
import type { Session } from '../../src/protocol/resources.ts';
import type { AgentIntercept } from '../../src/protocol/tunnel.ts';
import { acceptTunnel, encodeStreamHeader, relay, startTunnel } from '../../src/tunnel/index.ts';

/** An end that is attacked: its session, once it stands, and every stream that it ever had. */
export interface Victim {
  /** Undefined when the session was refused. */
  mux: Promise<Mux | undefined>;
  streams: MuxStream[];
}
export type MakeVictim = (transport: Duplex) => Victim;

/** A process behind the end that answers with what it gets. */
function serveEcho(stream: MuxStream): void {
  const [near, far] = duplexPair();
  far.on('error', () => undefined);
  far.pipe(far);
  void relay(stream, near);
}

const cluster = { serviceSubnets: [], podSubnets: [], nodeAddresses: [], clusterDomain: 'cluster.local', namespaces: ['default', 'shop'] };
const session = { apiVersion: 'telepresence.io/v1', kind: 'Session', metadata: { name: 's', uid: 'u' }, spec: { user: 'alice' } } as unknown as Session;
export const intercept: AgentIntercept = {
  uid: 'i1',
  name: 'web',
  session: 'u',
  containerPort: 8080,
  protocol: 'TCP',
  mechanism: 'http',
  http: { headers: [{ name: 'x-who', value: { exact: 'me' } }], paths: [] },
  fallback: false,
  proofHeader: true,
  plaintext: false,
};

function managerOptions(): Omit<TunnelStreamOptions, 'onControl'> {
  const context = {
    log: silentLog,
    logLevel: 'error',
    pod: 'mgr-1',
    agentImage: undefined,
    cluster: { info: () => cluster, onChange: () => () => undefined, close: () => undefined },
    peers: { list: () => [{ name: 'mgr-1', address: '10.0.0.1' }], onChange: () => () => undefined },
    intercepts: { list: () => [] },
    agents: { of: () => [], direct: () => [] },
  } as unknown as ManagerContext;
  const resolver = { query: async (message: Buffer) => message, close: () => undefined };
  return {
    context,
    session,
    log: silentLog,
    quota: createUserQuota('alice', createWaitingBytes({ log: silentLog })),
    sessions: { end: () => undefined } as unknown as LinkedSessions,
    cloud: { url: undefined, link: async () => ({ linked: false }), close: async () => undefined },
    outbound: { serve: async (stream) => serveEcho(stream), policy: { permit: () => undefined }, close: () => undefined },
    dns: { serve: (stream, work) => serveDnsStream(stream, { log: silentLog, resolver, work }), close: async () => undefined },
  };
}

/** The manager, towards a workstation. */
export const managerTunnel: MakeVictim = (transport) => {
  const streams: MuxStream[] = [];
  const options = managerOptions();
  let controls = 0;
  const onStream = (stream: MuxStream) => {
    streams.push(stream);
    serveTunnelStream(stream, { ...options, onControl: () => controls++ === 0 });
  };
  const accepted = acceptTunnel(transport, { nonce: 'n', log: silentLog, verify: async () => undefined, onStream });
  return {
    streams,
    mux: accepted.then(
      ({ mux }) => mux,
      () => undefined,
    ),
  };
};

/** The manager, towards an agent. */
export const managerAgents: MakeVictim = (transport) => {
  const streams: MuxStream[] = [];
  const { mux } = serveAgent(transport, {
    log: silentLog,
    replica: 'mgr-1',
    capabilities: [],
    verify: async (hello) => ({ pod: hello.pod, podUid: 'p', namespace: 'shop', workload: { namespace: 'shop', kind: 'Deployment', name: 'web' } }),
    onLinked: (agent) => agent.notify('intercepts', { intercepts: [intercept] }),
    onReady: (agent) => void agent.environment('web', { signal: AbortSignal.timeout(1_000) }).catch(() => undefined),
    onError: () => undefined,
    claim: () => intercept,
    open: () => {
      const [near, far] = duplexPair();
      const mine = createMux(near, { role: 'server', log: silentLog });
      createMux(far, { role: 'client', log: silentLog, onStream: (stream) => void stream.pipe(stream) });
      const stream = mine.open();
      stream.once('close', () => mine.abort(new Error('over')));
      return stream;
    },
    onTaken: () => undefined,
    onDirect: () => undefined,
    certificate: async () => ({ certificate: '', key: '' }),
    onProbed: () => undefined,
    onRelayed: () => undefined,
  });
  return { streams, mux: Promise.resolve(mux) };
};

/** The workstation, towards a manager. */
export const daemonTunnel: MakeVictim = (transport) => {
  const streams: MuxStream[] = [];
  const connections = new OpenConnections();
  const onStream = (stream: MuxStream) => {
    streams.push(stream);
    void serveInterceptStream(stream, { log: silentLog, target: () => undefined, connections, signal: new AbortController().signal });
  };
  const mux = startTunnel(transport, {
    nonce: 'n',
    session: { name: 's', uid: 'u' },
    kind: 'control',
    sign: (text) => text,
    version: '1',
    log: silentLog,
    onStream,
  });
  const drop = () => undefined;
  mux.ping().catch(drop);
  openControl({ mux, replica: 'mgr-1', version: '1' }, { log: silentLog, onCluster: drop, onReplicas: drop, onDirect: drop, onGoingAway: drop }).then(
    (control) => {
      const resolver = createClusterResolver(control.dns);
      const query = encodeMessage(questionMessage('web.shop', 1));
      resolver.query(query, {}).catch(drop);
      if (mux.goneAway !== undefined || control.dns.destroyed) return;
      const outward = mux.open(encodeStreamHeader({ t: 'tcp', host: '10.96.0.1', port: 80 }, Buffer.from('GET / HTTP/1.1\r\n\r\n')));
      streams.push(control.dns, outward);
      outward.resume();
      outward.end('x');
      control.rpc.call('ping', {}).catch(drop);
      control.rpc.call('environment', { intercept: 'i1' }, { timeoutMs: 1_000 }).catch(drop);
    },
    drop,
  );
  return { streams, mux: Promise.resolve(mux) };
};

/** The agent, towards a manager. */
export const agentLink: MakeVictim = (transport) => {
  const streams: MuxStream[] = [];
  const mux = createMux(transport, { role: 'client', log: silentLog });
  const hello = {
    version: '1',
    token: 't',
    pod: 'web-1',
    namespace: 'shop',
    podIP: '10.0.0.9',
    workload: { kind: 'Deployment', name: 'web' },
    capabilities: ['udp'],
  };
  const onChange = () => {
    if (streams.length >= 8 || mux.goneAway !== undefined) return;
    const stream = mux.open(encodeStreamHeader({ t: 'intercept', session: 'u', intercept: 'i1', protocol: 'TCP', peer: '10.0.0.8:1' }));
    streams.push(stream);
    stream.resume();
    stream.end('GET / HTTP/1.1\r\n\r\n');
  };
  const events = { onChange, onPeers: () => undefined, environment: () => ({ container: 'web', pod: 'web-1', env: { A: '1' } }), onProbe: () => undefined };
  greetManager('10.0.0.1', mux, hello, events, silentLog).then(
    (link) => {
      link.ready(['i1']);
      let over = false;
      void link.closed.then(() => {
        over = true;
      });
      queueMicrotask(() => !over && link.intercepts !== undefined && onChange());
    },
    () => mux.abort(new Error('the hello failed')),
  );
  return { streams, mux: Promise.resolve(mux) };
};

/** What each of two honest ends sends the other. */
export async function record(client: MakeVictim, server: MakeVictim): Promise<{ fromClient: Buffer; fromServer: Buffer }> {
  const [clientEnd, clientWire] = duplexPair();
  const [serverEnd, serverWire] = duplexPair();
  const taps = { fromClient: [] as Buffer[], fromServer: [] as Buffer[] };
  const carry = (from: Duplex, to: Duplex, tap: Buffer[]) => {
    from.on('data', (chunk: Buffer) => {
      tap.push(chunk);
      to.write(chunk);
    });
    from.on('error', () => undefined);
  };
  carry(clientWire, serverWire, taps.fromClient);
  carry(serverWire, clientWire, taps.fromServer);
  server(serverEnd);
  const { mux } = client(clientEnd);
  for (let quiet = 0, seen = 0; quiet < 50; quiet++) {
    await turn();
    const moved = taps.fromClient.length + taps.fromServer.length;
    if (moved !== seen) quiet = 0;
    seen = moved;
  }
  (await mux)?.abort(new Error('recorded'));
  return { fromClient: Buffer.concat(taps.fromClient), fromServer: Buffer.concat(taps.fromServer) };
}

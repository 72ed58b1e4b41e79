/** Workstations and agents that link to a real manager over TLS, without the programs around them. */
import { connect, type TLSSocket } from 'node:tls';
import { silentLog } from '../../src/base/log.ts';
import { createMux, type Mux, type MuxStream } from '../../src/mux/index.ts';
import { type AgentIntercept, CLUSTER_TLS, type Hello, TUNNEL_HEADER, TUNNEL_PATH, UPGRADE_PROTOCOL } from '../../src/protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../src/rpc/index.ts';
import { encodeStreamHeader, type SessionKeys, startTunnel } from '../../src/tunnel/index.ts';

export interface ManagerPorts {
  tunnel: number;
  agents: number;
}

export interface PeerSession {
  name: string;
  uid: string;
  keys: SessionKeys;
}

/** A TLS connection from an address of its own, as pods and API servers have. */
function dial(port: number, options: { from?: string | undefined; ca?: string; servername?: string }): Promise<TLSSocket> {
  const { from, ca, servername } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ...(from === undefined ? {} : { localAddress: from }),
      // An agent's connection; else an API server's, which trusts whoever answers.
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca, ecdhCurve: CLUSTER_TLS.ecdhCurve }),
      ...(servername === undefined ? {} : { servername }),
    });
    socket.once('secureConnect', () => {
      socket.setNoDelay(true);
      resolve(socket);
    });
    // Stays: a late error must not end the process.
    socket.on('error', reject);
  });
}

/** Sends the request for the upgrade; resolves with the nonce of the 101. */
export async function dialTunnel(port: number, session: string, from?: string): Promise<{ socket: TLSSocket; nonce: string }> {
  const socket = await dial(port, { from });
  socket.write(`GET ${TUNNEL_PATH} HTTP/1.1\r\nHost: m\r\nConnection: Upgrade\r\nUpgrade: ${UPGRADE_PROTOCOL}\r\n${TUNNEL_HEADER.session}: ${session}\r\n\r\n`);
  const head = await new Promise<string>((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      socket.off('data', read).pause();
      resolve(text);
    };
    socket.on('data', read);
    socket.once('close', () => reject(new Error(`closed before the answer: ${text}`)));
  });
  const nonce = new RegExp(`${TUNNEL_HEADER.nonce}: (\\S+)`, 'i').exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 101') || nonce === undefined) throw new Error(head.split('\r\n')[0]);
  return { socket, nonce };
}

/** One connection of a session's tunnel, greeted. */
export async function openTunnel(
  port: number,
  session: PeerSession,
  kind: Hello['kind'],
  options: { from?: string; onStream?: (stream: MuxStream) => void } = {},
): Promise<{ mux: Mux; socket: TLSSocket }> {
  const { socket, nonce } = await dialTunnel(port, session.name, options.from);
  const onStream = options.onStream ?? ((stream: MuxStream) => stream.reset('gone'));
  const { name, uid, keys } = session;
  return { socket, mux: startTunnel(socket, { nonce, session: { name, uid }, kind, sign: keys.sign, version: '0', log: silentLog, onStream }) };
}

/** The control and dns streams that a workstation opens first. */
export async function openControlStreams(mux: Mux): Promise<RpcPeer> {
  const rpc = createRpcPeer(mux.open(encodeStreamHeader({ t: 'control' })), { log: silentLog });
  await rpc.call('welcome', {});
  mux.open(encodeStreamHeader({ t: 'dns' })).on('error', () => undefined);
  return rpc;
}

export interface PeerAgent {
  mux: Mux;
  rpc: RpcPeer;
}

/** An agent, greeted. `told` gets its whole list of intercepts whenever it changes; with `takesAll` it says that it takes them. */
export async function linkAgent(
  port: number,
  agent: { namespace: string; pod: string; token: string; workload: string },
  options: { ca: string; from?: string; takesAll?: boolean; told?: (intercepts: AgentIntercept[]) => void },
): Promise<PeerAgent> {
  const socket = await dial(port, { from: options.from, ca: options.ca, servername: 'traffic-manager-agents.ambassador.svc' });
  const mux = createMux(socket, { role: 'client', log: silentLog });
  const rpc = createRpcPeer(mux.open(encodeStreamHeader({ t: 'agent-control' })), {
    log: silentLog,
    onNotify: {
      intercepts: (params) => {
        const { intercepts } = params as { intercepts: AgentIntercept[] };
        if (options.takesAll) rpc.notify('ready', { intercepts: intercepts.map(({ uid }) => uid) });
        options.told?.(intercepts);
      },
    },
  });
  const { namespace, pod, token, workload } = agent;
  await rpc.call('hello', { version: '0', token, pod, namespace, podIP: '10.244.0.9', workload: { kind: 'Deployment', name: workload } });
  return { mux, rpc };
}

/** A manager for the agent's tests: real TLS, mux and rpc; what it says is up to the test. */
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { silentLog } from '../../src/base/log.ts';
import { createMux, type Mux, type MuxStream } from '../../src/mux/index.ts';
import type { AgentHello, AgentIntercept, StreamHeader } from '../../src/protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../src/rpc/index.ts';
import { readStreamHeader } from '../../src/tunnel/index.ts';

export type InterceptHeader = Extract<StreamHeader, { t: 'intercept' }>;

export interface FakeManager {
  readonly port: number;
  readonly hellos: AgentHello[];
  /** What agents said last by `ready`. */
  readonly ready: string[][];
  readonly errors: { intercept: string; message: string }[];
  /** What agents said they took, one after the other. */
  readonly taken: Record<string, number>[];
  /** What agents said of probes. */
  readonly probed: { id: string; marked: number; unmarked: number }[];
  /** Where agents said that they take direct connections. */
  readonly directPorts: (number | undefined)[];
  /** Control streams of the agents that are linked. */
  readonly agents: RpcPeer[];
  readonly muxes: Mux[];
  /** Says the same to every agent, also to those that come later. */
  tell(held: string[], intercepts: AgentIntercept[]): void;
  /** Serves intercepted connections from now on. */
  serve(handler: (stream: MuxStream, header: InterceptHeader) => void): void;
  close(): void;
}

export async function startFakeManager(
  tls: { certificate: string; key: string },
  options: {
    port?: number;
    /** 127.0.0.1 by default. */
    address?: string;
    peers?: { name: string; address: string }[];
    /** Public keys of sessions that may come directly, by uid; without them the manager knows nothing of direct connections. */
    keys?: Record<string, string>;
  } = {},
): Promise<FakeManager> {
  const hellos: AgentHello[] = [];
  const ready: string[][] = [];
  const errors: { intercept: string; message: string }[] = [];
  const taken: Record<string, number>[] = [];
  const probed: FakeManager['probed'] = [];
  const directPorts: FakeManager['directPorts'] = [];
  const agents: RpcPeer[] = [];
  const muxes: Mux[] = [];
  const sockets = new Set<TLSSocket>();
  let held: string[] = [];
  let intercepts: AgentIntercept[] = [];
  let handler: (stream: MuxStream, header: InterceptHeader) => void = (stream) => stream.reset('gone');

  const say = (peer: RpcPeer) => {
    peer.notify('sessions', options.keys === undefined ? { held } : { held, keys: options.keys });
    peer.notify('intercepts', { intercepts });
  };
  const control = (stream: MuxStream, mux: Mux) => {
    const peer = createRpcPeer(stream, {
      log: silentLog,
      handlers: {
        hello: (params) => {
          hellos.push(params as AgentHello);
          setImmediate(() => {
            agents.push(peer);
            say(peer);
            if (options.peers !== undefined) peer.notify('peers', { replicas: options.peers });
          });
          return { version: '1', replica: 'fake', capabilities: options.keys === undefined ? [] : ['direct'] };
        },
        certificate: () => ({ certificate: tls.certificate, key: tls.key }),
        ready: (params) => void ready.push((params as { intercepts: string[] }).intercepts),
        error: (params) => void errors.push(params as { intercept: string; message: string }),
      },
      onNotify: {
        probed: (params) => void probed.push(params as FakeManager['probed'][number]),
        direct: (params) => void directPorts.push((params as { port?: number }).port),
        taken: (params) => void taken.push((params as { totals: Record<string, number> }).totals),
      },
    });
    void mux.closed.then(() => agents.splice(agents.indexOf(peer), 1));
  };
  const server = createServer({ cert: tls.certificate, key: tls.key }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const mux = createMux(socket, {
      role: 'server',
      log: silentLog,
      onStream: (stream) => {
        readStreamHeader(stream).then(
          (header) => (header.t === 'intercept' ? handler(stream, header) : control(stream, mux)),
          () => stream.destroy(),
        );
      },
    });
    muxes.push(mux);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.address ?? '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    hellos,
    ready,
    errors,
    taken,
    probed,
    directPorts,
    agents,
    muxes,
    tell(nowHeld, nowIntercepts) {
      held = nowHeld;
      intercepts = nowIntercepts;
      for (const peer of agents) say(peer);
    },
    serve(next) {
      handler = next;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

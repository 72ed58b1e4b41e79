/** A manager's end of tunnels in the test's process: the real handshake and mux, and streams that echo. */
import type { Duplex } from 'node:stream';
import { silentLog } from '../../src/base/log.ts';
import type { Mux, MuxStream } from '../../src/mux/index.ts';
import type { Hello, Welcome } from '../../src/protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../src/rpc/index.ts';
import { acceptTunnel, readStreamHeader } from '../../src/tunnel/index.ts';

export const NONCE = 'nonce';

export interface FakeReplica {
  readonly name: string;
  /** Serves what comes after the 101. */
  accept(socket: Duplex): void;
  /** What it holds now. */
  readonly held: { mux: Mux; hello: Hello }[];
  notify(method: string, params: unknown): void;
  /** Set: sessions are refused with this sentence. */
  refuse: string | undefined;
  /** Names of replicas that its welcome tells. */
  replicas: string[];
}

export function fakeReplica(name: string): FakeReplica {
  const held: FakeReplica['held'] = [];
  const controls = new Set<RpcPeer>();
  const replica: FakeReplica = {
    name,
    held,
    refuse: undefined,
    replicas: [name],
    accept(socket) {
      const early: MuxStream[] = [];
      let ready = false;
      acceptTunnel(socket, {
        nonce: NONCE,
        log: silentLog,
        verify: () => (replica.refuse === undefined ? Promise.resolve() : Promise.reject(new Error(replica.refuse))),
        onStream: (stream) => (ready ? serve(stream) : void early.push(stream)),
      }).then(
        ({ mux, hello }) => {
          const entry = { mux, hello };
          held.push(entry);
          void mux.closed.then(() => held.splice(held.indexOf(entry), 1));
          ready = true;
          for (const stream of early) serve(stream);
        },
        () => undefined,
      );
    },
    notify(method, params) {
      for (const rpc of controls) rpc.notify(method, params);
    },
  };

  function serve(stream: MuxStream): void {
    stream.on('error', () => undefined);
    readStreamHeader(stream, { timeoutMs: 5_000 }).then(
      (header) => {
        if (header.t !== 'control') return void stream.pipe(stream);
        const rpc = createRpcPeer(stream, { log: silentLog, handlers: { welcome, leave: () => ({}), ping: () => ({}) } });
        controls.add(rpc);
        void rpc.closed.then(() => controls.delete(rpc));
      },
      () => undefined,
    );
  }

  const welcome = (): Welcome => ({
    version: '0.0.0',
    replica: name,
    capabilities: [],
    cluster: { serviceSubnets: [], podSubnets: [], nodeAddresses: [], clusterDomain: 'cluster.local', namespaces: [] },
    replicas: { names: replica.replicas, ready: replica.replicas },
  });
  return replica;
}

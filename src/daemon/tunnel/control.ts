/** The control connection's streams: the manager's welcome, calls and notifications, and the dns stream. */
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Mux, MuxStream } from '../../mux/index.ts';
import {
  type ClusterInfo,
  clusterSchema,
  type DirectAgents,
  directAgentsSchema,
  type Replicas,
  replicasSchema,
  type Welcome,
  welcomeSchema,
} from '../../protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader } from '../../tunnel/index.ts';
import type { LiveConnection } from './connection.ts';
import { WELCOME_TIMEOUT_MS } from './limits.ts';

export interface ControlEvents {
  log: Log;
  onCluster: (cluster: ClusterInfo) => void;
  onReplicas: (replicas: Replicas) => void;
  /** Agents of a workload that this session intercepts take direct connections there. */
  onDirect: (agents: DirectAgents) => void;
  /** The replica at the other end ends. */
  onGoingAway: (replica: string) => void;
}

export interface Control {
  readonly mux: Mux;
  readonly rpc: RpcPeer;
  readonly dns: MuxStream;
  readonly welcome: Welcome;
  /** Ends its streams, so that the connection can end. */
  close(): void;
}

/** Opens the control and dns streams on a new connection. Rejects when the manager has no welcome for us; without its streams the connection ends. */
export async function openControl({ mux, replica }: LiveConnection, { log, onCluster, onReplicas, onDirect, onGoingAway }: ControlEvents): Promise<Control> {
  let closing = false;
  const ended = (what: string): void => {
    if (!closing) mux.abort(new CodedError('TP-TUNNEL-LOST', `The manager ended the ${what} stream.`));
  };
  const rpc = createRpcPeer(mux.open(encodeStreamHeader({ t: 'control' })), {
    log: log.child('control'),
    onNotify: {
      cluster: (params) => onCluster(clusterSchema.parse(params)),
      replicas: (params) => onReplicas(replicasSchema.parse(params)),
      direct: (params) => onDirect(directAgentsSchema.parse(params)),
      'going-away': () => onGoingAway(replica),
    },
  });
  void rpc.closed.then(() => ended('control'));
  const welcome = welcomeSchema.parse(await rpc.call('welcome', {}, { timeoutMs: WELCOME_TIMEOUT_MS }));
  const dns = mux.open(encodeStreamHeader({ t: 'dns' }));
  dns.once('close', () => ended('dns'));
  return {
    mux,
    rpc,
    dns,
    welcome,
    close() {
      closing = true;
      rpc.close();
      dns.destroy();
    },
  };
}

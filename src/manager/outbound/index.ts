/**
 * Outbound: dials in the cluster for workstations. Every `tcp` and `udp` stream of a tunnel comes here; the policy decides,
 * the session's quota bounds, and a refusal resets the stream with a reason.
 */
import { isIP } from 'node:net';
import type { Log } from '../../base/log.ts';
import type { MuxStream } from '../../mux/index.ts';
import type { ClusterInfo, StreamHeader } from '../../protocol/tunnel.ts';
import type { ClusterWatch, PeerWatch } from '../context.ts';
import type { Metrics } from '../metrics.ts';
import type { ManagerSettings } from '../settings.ts';
import { createDialPolicy, type DialPolicy } from './policy.ts';
import type { UserQuota } from './quota.ts';
import { serveTcp } from './tcp.ts';
import { serveUdp } from './udp.ts';

type OutboundHeader = Extract<StreamHeader, { t: 'tcp' | 'udp' }>;

export interface Outbound {
  /** Serves a stream until it ends; never rejects. */
  serve(stream: MuxStream, header: OutboundHeader, quota: UserQuota): Promise<void>;
  readonly policy: DialPolicy;
  close(): void;
}

export function createOutbound(options: { cluster: ClusterWatch; peers: PeerWatch; settings: ManagerSettings; metrics: Metrics; log: Log }): Outbound {
  const { cluster, peers, settings, metrics, log } = options;
  const policyOf = (info: ClusterInfo) =>
    createDialPolicy({ announced: [...info.serviceSubnets, ...info.podSubnets], allow: settings.outbound.allow, own: () => peers.addresses() });
  let policy = policyOf(cluster.info());
  const unsubscribe = cluster.onChange((info) => {
    policy = policyOf(info);
  });
  const dials = metrics.counter('outbound_total', 'Connections and UDP flows of workstations, by protocol and outcome.');
  const bytes = metrics.counter('outbound_bytes_total', 'Bytes carried for workstations, by direction.');

  return {
    get policy() {
      return policy;
    },
    async serve(stream, header, quota) {
      const address = policy.permit(header.host);
      if (address === undefined) {
        log.debug('refused to dial', { host: header.host, port: header.port });
        dials.add(1, { protocol: header.t, outcome: 'forbidden' });
        stream.reset('forbidden');
        return;
      }
      const target = { address, port: header.port };
      let result: Awaited<ReturnType<typeof serveTcp>>;
      if (header.t === 'tcp') result = await serveTcp(stream, target, quota);
      else {
        const release = quota.udpFlows.tryTake();
        if (release === undefined) {
          dials.add(1, { protocol: 'udp', outcome: 'overload' });
          stream.reset('overload');
          return;
        }
        result = await serveUdp(stream, { ...target, family: isIP(address) === 6 ? 6 : 4 }, { onReceived: (bytes) => quota.waiting.arrived(bytes) });
        release();
      }
      dials.add(1, { protocol: header.t, outcome: result.outcome });
      bytes.add(result.up, { direction: 'up' });
      bytes.add(result.down, { direction: 'down' });
    },
    close: unsubscribe,
  };
}

/** What each stream of a verified tunnel is for. */
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { MuxStream } from '../../mux/index.ts';
import type { Session } from '../../protocol/resources.ts';
import type { StreamHeader } from '../../protocol/tunnel.ts';
import type { RpcPeer } from '../../rpc/index.ts';
import { readStreamHeader } from '../../tunnel/index.ts';
import type { Cloud } from '../cloud/index.ts';
import type { DnsPart, ManagerContext } from '../context.ts';
import type { Outbound } from '../outbound/index.ts';
import type { UserQuota } from '../outbound/quota.ts';
import type { LinkedSessions } from '../sessions/registry.ts';
import { serveControl } from './control.ts';

/** Time for a stream's header, which travels in the opening frame. */
export const STREAM_HEADER_TIMEOUT_MS = 5_000;

export interface TunnelStreamOptions {
  context: ManagerContext;
  sessions: LinkedSessions;
  outbound: Outbound;
  dns: DnsPart;
  cloud: Cloud;
  session: Session;
  quota: UserQuota;
  log: Log;
  /** Returns false when the connection already has a control stream. */
  onControl: (rpc: RpcPeer) => boolean;
}

/** Serves one stream; whatever goes wrong resets that stream only. */
export function serveTunnelStream(stream: MuxStream, options: TunnelStreamOptions): void {
  const { quota, log } = options;
  stream.on('error', (error) => log.trace('a stream failed', { error: messageOf(error) }));
  const release = quota.streams.tryTake();
  if (release === undefined) {
    stream.reset('overload');
    return;
  }
  stream.once('close', release);
  readStreamHeader(stream, { timeoutMs: STREAM_HEADER_TIMEOUT_MS })
    .then((header) => serve(stream, header, options))
    .catch((error: unknown) => {
      log.debug('a stream was refused', { error: messageOf(error) });
      if (!stream.destroyed) stream.reset('protocol');
    });
}

async function serve(stream: MuxStream, header: StreamHeader, options: TunnelStreamOptions): Promise<void> {
  switch (header.t) {
    case 'tcp':
    case 'udp':
      return options.outbound.serve(stream, header, options.quota);
    case 'dns': {
      const release = options.quota.dnsStreams.tryTake();
      if (release === undefined) return stream.reset('overload');
      stream.once('close', release);
      return options.dns.serve(stream, options.quota.dnsQueries);
    }
    case 'control': {
      const rpc = serveControl(stream, options);
      if (options.onControl(rpc)) return undefined;
      rpc.close();
      stream.reset('protocol');
      return undefined;
    }
    case 'intercept':
    case 'agent-control':
    case 'cloud-control':
    case 'preview':
      // Agents have a port of their own, and the cloud a link that the manager dialled.
      stream.reset('protocol');
      return undefined;
    default: {
      const unknown: never = header;
      throw new Error(`no such stream: ${JSON.stringify(unknown)}`);
    }
  }
}

import type { Log } from '../base/log.ts';
import { sleep } from '../base/retry.ts';
import { DRAIN_LIMIT_MS, DRAIN_POLL_MS, DRAIN_UDP_QUIET_MS } from './limits.ts';
import type { TcpPort } from './tcp-port.ts';
import type { UdpPort } from './udp-port.ts';

/**
 * Resolves when the pod needs its agent no longer: the app is gone (a native sidecar is told to end after it; an ordinary one at the
 * same time) and every client has got its answer, or DRAIN_LIMIT_MS are over. The kubelet's grace period bounds it all.
 */
export async function drain(tcp: readonly TcpPort[], udp: readonly UdpPort[], log: Log, onGone: () => void): Promise<void> {
  let goneSince: number | undefined;
  for (;;) {
    const unanswered = tcp.reduce((sum, port) => sum + port.unanswered, 0);
    const now = performance.now();
    if (goneSince === undefined && (await isGone(tcp, udp))) {
      goneSince = now;
      onGone();
    }
    if (goneSince !== undefined && (unanswered === 0 || now - goneSince > DRAIN_LIMIT_MS)) break;
    await sleep(DRAIN_POLL_MS);
  }
  log.info('drained');
}

async function isGone(tcp: readonly TcpPort[], udp: readonly UdpPort[]): Promise<boolean> {
  for (const { app } of tcp) {
    try {
      (await app.dial()).on('error', () => {}).destroy();
      return false;
    } catch {
      // Nobody listens there any more.
    }
  }
  return tcp.length > 0 || udp.every((port) => port.quietFor > DRAIN_UDP_QUIET_MS);
}

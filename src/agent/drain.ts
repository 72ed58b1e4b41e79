import type { Log } from '../base/log.ts';
import { sleep } from '../base/retry.ts';
import { DRAIN_ANSWERS_POLL_MS, DRAIN_LIMIT_MS, DRAIN_POLL_MS, DRAIN_UDP_QUIET_MS } from './limits.ts';
import type { TcpPort } from './tcp-port.ts';
import type { UdpPort } from './udp-port.ts';

/**
 * Resolves when the pod needs its agent no longer: the app is gone (a native sidecar is told to end after it; an ordinary one at the
 * same time) and every client has got its answer, or DRAIN_LIMIT_MS are over. The kubelet's grace period bounds it all.
 *
 * A pod whose place is taken only when it is gone (a StatefulSet's, `Recreate`) is missed for as long as this takes after its app: the
 * first client whom the app refuses tells of it.
 */
export async function drain(tcp: readonly TcpPort[], udp: readonly UdpPort[], log: Log, onGone: () => void): Promise<void> {
  while (!(await isGone(tcp, udp))) await sleepUntil(Promise.race(tcp.map(({ app }) => app.nextRefusal)), DRAIN_POLL_MS);
  onGone();
  const end = performance.now() + DRAIN_LIMIT_MS;
  while (tcp.some(({ unanswered }) => unanswered > 0) && performance.now() < end) await sleep(DRAIN_ANSWERS_POLL_MS);
  log.info('drained');
}

async function sleepUntil(event: Promise<void>, forMs: number): Promise<void> {
  const awake = new AbortController();
  void event.then(() => awake.abort(new Error('awake')));
  await sleep(forMs, awake.signal).catch(() => {});
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

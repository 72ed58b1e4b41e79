/** One UDP flow of a workstation: a connected socket, so that answers of others are dropped by the kernel. */
import { createSocket } from 'node:dgram';
import type { MuxStream } from '../../mux/index.ts';
import { type ResetReason, UDP_IDLE_MS, UDP_PAYLOAD_LIMIT } from '../../protocol/tunnel.ts';
import { createDatagramStream, resetReasonOf } from '../../tunnel/index.ts';

/** Wanted receive buffer of a flow's socket; the kernel gives at most `net.core.rmem_max`. */
export const UDP_RECEIVE_BUFFER = 1024 * 1024;
/** Datagrams kept while the socket is being connected, which takes less than a tick of the loop. */
export const UDP_EARLY_LIMIT = 64;

/** Serves one `udp` stream until the stream ends or the flow was idle for `idleMs`. Never rejects. */
export function serveUdp(
  stream: MuxStream,
  target: { address: string; port: number; family: 4 | 6 },
  options: { idleMs?: number; onReceived?: (bytes: number) => void },
): Promise<{ outcome: 'done' | ResetReason; up: number; down: number }> {
  return new Promise((resolve) => {
    const counts = { up: 0, down: 0 };
    const datagrams = createDatagramStream(stream);
    const socket = createSocket({ type: target.family === 6 ? 'udp6' : 'udp4', recvBufferSize: UDP_RECEIVE_BUFFER });
    let over = false;
    let connected = false;
    const early: Uint8Array[] = [];
    const finish = (outcome: 'done' | ResetReason) => {
      if (over) return;
      over = true;
      clearTimeout(idle);
      socket.close();
      if (outcome === 'done') datagrams.close();
      else if (!stream.destroyed) stream.reset(outcome);
      resolve({ outcome, ...counts });
    };
    const idle = setTimeout(() => finish('done'), options.idleMs ?? UDP_IDLE_MS);
    const send = (datagram: Uint8Array) => {
      counts.up += datagram.length;
      socket.send(datagram, (error) => {
        // A datagram that the network doesn't take is lost, as UDP loses it; a refusal arrives as the socket's error.
        if (error !== null && resetReasonOf(error) === 'refused') finish('refused');
      });
    };
    socket.on('error', (error) => finish(resetReasonOf(error)));
    socket.on('message', (message) => {
      idle.refresh();
      counts.down += message.length;
      options.onReceived?.(message.length);
      datagrams.send(message);
    });
    socket.connect(target.port, target.address, () => {
      if (over) return;
      connected = true;
      for (const datagram of early.splice(0)) send(datagram);
    });
    datagrams.onDatagram((datagram) => {
      if (over) return;
      idle.refresh();
      if (datagram.length > UDP_PAYLOAD_LIMIT) return finish('protocol');
      if (connected) send(datagram);
      else if (early.length < UDP_EARLY_LIMIT) early.push(Buffer.from(datagram));
    });
    stream.once('end', () => finish('done'));
    stream.once('close', () => finish('done'));
    stream.once('error', () => finish('aborted'));
  });
}

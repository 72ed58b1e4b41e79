import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { SHARED_READ_BYTES } from './limits.ts';

const shared = Buffer.allocUnsafeSlow(SHARED_READ_BYTES);

/**
 * `net.connect`, for a connection whose bytes are relayed. All of them read into one buffer, and what came is copied out at its own size: Node
 * else allocates 64 KiB for each read and gives most of it back. It is an ordinary socket otherwise: data, back-pressure and end are as ever.
 */
export function connectShared(options: TcpNetConnectOpts): Socket {
  const socket: Socket = connect({
    ...options,
    onread: { buffer: shared, callback: (bytes) => socket.push(Buffer.from(shared.subarray(0, bytes))) },
  });
  return socket;
}

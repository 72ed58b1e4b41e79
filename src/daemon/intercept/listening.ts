import net from 'node:net';

/** A look, not a wait. */
const LISTENING_TIMEOUT_MS = 500;

/** Whether something listens there. */
export async function isListening({ host, port }: { host: string; port: number }): Promise<boolean> {
  const socket = net.connect({ host, port });
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.setTimeout(LISTENING_TIMEOUT_MS, () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

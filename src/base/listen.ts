import type { AddressInfo, ListenOptions, Server } from 'node:net';

/** Resolves with the port when it listens, rejects when it can't. What fails later goes to `failed`. */
export function listen(server: Server, at: ListenOptions, failed: (error: Error) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      server.on('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

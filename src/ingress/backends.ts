/** Connections to pods. */
import { connect, type Socket } from 'node:net';
import { Agent } from '../base/node-http.ts';
import type { Endpoint } from './endpoints.ts';
import { BACKEND_CONNECT_TIMEOUT_MS, BACKEND_FREE_MS, BACKEND_FREE_SOCKETS, BACKEND_TRIES } from './limits.ts';

/** Keeps connections for further requests. */
export function createBackendAgent(): InstanceType<typeof Agent> {
  return new Agent({ keepAlive: true, maxFreeSockets: BACKEND_FREE_SOCKETS, scheduling: 'lifo', timeout: BACKEND_FREE_MS });
}

/** Those that are tried in turn, beginning with any, so that several requests reach several pods. */
export function inTurn(endpoints: readonly Endpoint[]): Endpoint[] {
  const first = Math.floor(Math.random() * endpoints.length);
  return [...endpoints.slice(first), ...endpoints.slice(0, first)].slice(0, BACKEND_TRIES);
}

/** A pod took no connection in time. */
export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
}

/** Ends one that takes too long to be connected. */
export function limitConnecting(socket: Socket, endpoint: Endpoint): void {
  const timer = setTimeout(
    () => socket.destroy(new ConnectTimeout(`${endpoint.host}:${endpoint.port} took no connection in time`)),
    BACKEND_CONNECT_TIMEOUT_MS,
  );
  const over = () => clearTimeout(timer);
  socket.once('connect', over).once('close', over);
}

/** A connection of its own, to the first that takes one. @throws what the last one said. */
export async function dialBackend(endpoints: readonly Endpoint[]): Promise<Socket> {
  let last: unknown = new Error('there is no endpoint');
  for (const endpoint of endpoints) {
    try {
      return await dial(endpoint);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function dial(endpoint: Endpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...endpoint, allowHalfOpen: true });
    socket.on('error', reject);
    limitConnecting(socket, endpoint);
    socket.once('connect', () => resolve(socket));
  });
}

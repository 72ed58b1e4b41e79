/** Kept connections to one preview's ingress, over its cluster's link. They speak HTTP/1.1; TLS, where the ingress has it, is the manager's. */
import type { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { Agent } from '../../base/node-http.ts';
import { INGRESS_FREE_MS, INGRESS_FREE_SOCKETS } from './limits.ts';

/** Opens a connection to the preview's ingress. */
export type OpenIngress = () => Promise<Duplex>;

/** What the agent calls on sockets, and no other stream has. */
const nothing = () => {};
const SOCKET_METHODS = { ref: nothing, unref: nothing, setKeepAlive: nothing, setTimeout: nothing };

export class IngressAgent extends Agent {
  #open: OpenIngress;
  #waiting = new WeakMap<Duplex, NodeJS.Timeout>();

  constructor(open: OpenIngress) {
    super({ keepAlive: true, maxFreeSockets: INGRESS_FREE_SOCKETS, scheduling: 'lifo' });
    this.#open = open;
  }

  override createConnection(_options: unknown, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    this.#open().then(
      (stream) => {
        // Node's agent expects sockets, which end when their peer does.
        stream.once('end', () => stream.end());
        callback?.(null, Object.assign(stream, SOCKET_METHODS));
      },
      (error: Error) => (callback as ((error: Error) => void) | undefined)?.(error),
    );
  }

  override keepSocketAlive(stream: Duplex): boolean {
    const end = () => stream.destroy();
    this.#waiting.set(stream, setTimeout(end, INGRESS_FREE_MS));
    stream.resume();
    // It says false where the server announced that it won't wait; the types don't know.
    return super.keepSocketAlive(stream) as unknown as boolean;
  }

  override reuseSocket(stream: Duplex, request: ClientRequest): void {
    clearTimeout(this.#waiting.get(stream));
    super.reuseSocket(stream, request);
  }

  /** Nobody uses or waits in it. */
  get idle(): boolean {
    const lists = [this.sockets, this.freeSockets, this.requests].flatMap((byName) => Object.values(byName));
    return lists.every((list) => (list?.length ?? 0) === 0);
  }
}

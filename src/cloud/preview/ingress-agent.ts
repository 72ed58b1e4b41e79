/** Kept connections to one preview's ingress, over its cluster's link. They speak HTTP/1.1; TLS, where the ingress has it, is the manager's. */
import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { INGRESS_FREE_MS, INGRESS_FREE_SOCKETS } from './limits.ts';

/** Opens a connection to the preview's ingress. */
export type OpenIngress = () => Promise<Duplex>;

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
        callback?.(null, stream);
      },
      (error: Error) => (callback as ((error: Error) => void) | undefined)?.(error),
    );
  }

  // Node's own two call methods that only sockets have.
  override keepSocketAlive(stream: Duplex): boolean {
    this.#waiting.set(
      stream,
      setTimeout(() => stream.destroy(), INGRESS_FREE_MS),
    );
    stream.resume();
    return true;
  }

  override reuseSocket(stream: Duplex): void {
    clearTimeout(this.#waiting.get(stream));
  }

  /** Nobody uses or waits in it. */
  get idle(): boolean {
    return [this.sockets, this.freeSockets, this.requests].every((lists) => Object.keys(lists).length === 0);
  }
}

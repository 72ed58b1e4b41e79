import { connect, type OnReadOpts, type Socket } from 'node:net';
import { codeOf } from '../base/errors.ts';

const REFUSED = new Set(['ECONNREFUSED', 'EADDRNOTAVAIL', 'ENETUNREACH', 'EHOSTUNREACH', 'EAFNOSUPPORT', 'EINVAL']);

/** Where the app of one port answers: on the loopback, or only on the pod's address. What worked last is tried first. */
export class AppTarget {
  readonly port: number;
  #hosts: string[];
  #refusal = Promise.withResolvers<void>();

  constructor(port: number, podIP: string) {
    this.port = port;
    this.#hosts = [...new Set(['127.0.0.1', podIP, '::1'])];
  }

  get host(): string {
    return this.#hosts[0] as string;
  }

  /** Resolves when the app answers a dial nowhere, from now on. */
  get nextRefusal(): Promise<void> {
    return this.#refusal.promise;
  }

  /** The app refuses at `host`: the others come first from now on. */
  refused(host: string): void {
    this.#hosts = [...this.#hosts.filter((other) => other !== host), host];
  }

  /** A connection to the app. Rejects with the first host's error when it answers nowhere. */
  async dial(options: { onread?: OnReadOpts } = {}): Promise<Socket> {
    let first: unknown;
    for (const host of [...this.#hosts]) {
      try {
        const socket = await this.#dialHost(host, options);
        if (host !== this.#hosts[0]) this.#hosts = [host, ...this.#hosts.filter((other) => other !== host)];
        return socket;
      } catch (error) {
        first ??= error;
        if (!REFUSED.has(codeOf(error) ?? '')) break;
      }
    }
    this.#refusal.resolve();
    this.#refusal = Promise.withResolvers();
    throw first;
  }

  #dialHost(host: string, options: { onread?: OnReadOpts }): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: this.port, noDelay: true, allowHalfOpen: true, ...options });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(socket);
      });
    });
  }
}

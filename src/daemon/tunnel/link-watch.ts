import { networkInterfaces } from 'node:os';
import { LINK_POLL_MS } from './limits.ts';

/**
 * The addresses of this machine's links that are up. A cable that is unplugged or a Wi-Fi that is left takes its addresses out of the
 * list at once, seconds before silence tells.
 */
export class LinkWatch {
  readonly #read: () => string[];
  readonly #listeners = new Set<() => void>();
  #addresses: ReadonlySet<string>;
  #text: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(read: () => string[] = addressesUp, pollMs: number = LINK_POLL_MS) {
    this.#read = read;
    const now = read();
    this.#addresses = new Set(now);
    this.#text = now.join();
    this.#timer = setInterval(() => this.#look(), pollMs);
    this.#timer.unref();
  }

  /** Whether connections from this address may still work. */
  has(address: string): boolean {
    return this.#addresses.has(address);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  #look(): void {
    const now = this.#read();
    const text = now.join();
    if (text === this.#text) return;
    this.#text = text;
    this.#addresses = new Set(now);
    for (const listener of this.#listeners) listener();
  }
}

/** Links that are down are not listed by the system call behind this. */
function addressesUp(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

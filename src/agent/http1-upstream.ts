import { type End, type EndEvents, whyReset } from './http-end.ts';

/** What a connection is told of a server's side. */
export interface UpstreamOwner {
  upstreamBytes(upstream: Upstream, chunk: Buffer): void;
  upstreamDrained(upstream: Upstream): void;
  /** The server sends no more (`over` false), or the connection is gone. At least once, with `over` last. */
  upstreamEnded(upstream: Upstream, over: boolean, error: Error | undefined): void;
}

/** A connection to the app or to a workstation's process that belongs to one client's connection. */
export class Upstream implements EndEvents {
  /** The intercept's uid; empty: the app. */
  readonly place: string;
  readonly end: End;
  readonly #owner: UpstreamOwner;

  constructor(place: string, end: End, owner: UpstreamOwner) {
    this.place = place;
    this.end = end;
    this.#owner = owner;
    end.events = this;
  }

  /** Why the workstation's side reset it, if it did. */
  get resetReason(): string | undefined {
    return whyReset(this.end.stream);
  }

  bytes(chunk: Buffer): void {
    this.#owner.upstreamBytes(this, chunk);
  }

  drained(): void {
    this.#owner.upstreamDrained(this);
  }

  ended(): void {
    this.#owner.upstreamEnded(this, false, undefined);
  }

  closed(error: Error | undefined): void {
    this.#owner.upstreamEnded(this, true, error);
  }

  /** Ends it without any more ado; the server sees a failure while it is at work. */
  drop(atWork: boolean): void {
    this.end.events = undefined;
    if (atWork) this.end.reset();
    else this.end.destroy();
  }
}

/** What a session promises its users, and what it takes. */
import type { Log } from '../base/log.ts';
import type { MuxStream } from './stream.ts';

export interface MuxOptions {
  role: 'client' | 'server';
  log: Log;
  /** Called for each stream the peer opens, with its first bytes already there to read. Without it they are refused. */
  onStream?: (stream: MuxStream) => void;
  /** Receive window of a new stream; at least INITIAL_WINDOW, which the format fixes. */
  initialWindow?: number;
  maxWindow?: number;
  maxStreams?: number;
}

export interface Mux {
  /** Opens a stream; `first` travels in the opening frame. Throws MuxError (`closed`, `too-many-streams`). */
  open(first?: Uint8Array): MuxStream;
  /** Round trip in ms. Rejects when the session ends first. */
  ping(options?: { signal?: AbortSignal }): Promise<number>;
  /** Last measured round trip in ms. */
  readonly rtt: number | undefined;
  readonly streams: number;
  /** Bytes moved so far, both ways. */
  readonly moved: number;
  /** Bytes that wait in its streams, both ways, and in control frames. Looks at every stream. */
  readonly waiting: number;
  /** Resets the stream in which most waits, as `overload`; where control frames are most, everything ends. */
  shed(): void;
  /** Resolves when the session is over, never rejects; undefined: a clean end. */
  readonly closed: Promise<Error | undefined>;
  /** The reason the peer gave with GOAWAY. */
  readonly goneAway: string | undefined;
  /** Tells the peer to open nothing more here. */
  goAway(reason: string): void;
  /** Waits for the streams to end, then ends the transport. When `signal` aborts, everything ends at once. Idempotent. */
  close(options?: { signal?: AbortSignal }): Promise<void>;
  /** Ends everything at once: every stream is destroyed with `error`. Idempotent. */
  abort(error: Error): void;
}

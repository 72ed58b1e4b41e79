/**
 * A multiplexer: many flow-controlled streams over one byte stream, in the yamux frame format (frame.ts says what was added).
 * No I/O of its own above the transport it is given; knows nothing of tunnels.
 *
 * Promises: streams take turns, so none starves; a reader that stalls stops its own stream only; credit returns when bytes were read;
 * memory is bounded by limits.ts whatever the peer does; a peer that breaks the protocol ends the session with a GOAWAY that says why.
 */
import type { Duplex } from 'node:stream';
import type { Mux, MuxOptions } from './contract.ts';
import { Session } from './session.ts';

export type { Mux, MuxOptions } from './contract.ts';
export { MuxError, type MuxErrorCode, MuxResetError } from './errors.ts';
export type { MuxStream } from './stream.ts';

/** Starts a session on `transport`, which from then on belongs to it. */
export function createMux(transport: Duplex, options: MuxOptions): Mux {
  return new Session(transport, options);
}

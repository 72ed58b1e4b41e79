/** Every number of the tunnel that src/protocol/tunnel.ts doesn't set. docs/limits.md lists them with their reasons. */

/** Longest JSON of a stream header: a preview's carries the certificates that its ingress is checked with. */
export const STREAM_HEADER_LIMIT = 24 * 1024;
/** How long a new stream may take to say what it is. */
export const STREAM_HEADER_TIMEOUT_MS = 10_000;
/** How long a new connection may take to send its hello line. */
export const HELLO_TIMEOUT_MS = 10_000;
/** Bytes that a relay lets wait in the side it writes to before it stops reading the other. */
export const RELAY_BOUND = 256 * 1024;
/** What one read of a dialled connection takes at most. */
export const SHARED_READ_BYTES = 64 * 1024;
/** Chunks below this are gathered until the end of the event loop's turn: a tunnel's reads come in pieces of one TLS record. */
export const RELAY_GATHER_BELOW = 64 * 1024;
/** Bytes of datagrams that may wait; beyond it new ones are dropped, as a full queue of a router would. */
export const DATAGRAM_BOUND = 512 * 1024;
/** A connection that moves less is no bulk flow's. */
export const QUIET_BYTES_PER_S = 1024 * 1024;
/** How often it is looked at, at most, what the connections move. */
export const SPREAD_SAMPLE_MS = 100;
/** How often a connection's silence is looked at. */
export const SILENCE_TICK_MS = 500;
/** A look that comes so much too late shows that this process had no time, not that workstations are silent. */
export const STOOD_STILL_MS = 500;
/** After this long without a byte the workstation is asked (ping). */
export const SILENCE_PROBE_MS = 1_500;
/** After this long a connection takes no more intercepted connections: the cluster's app answers instead. */
export const SILENCE_LOST_MS = 3_000;
/**
 * After this long a connection is ended. Longer than the workstation's own patience: it decides, and streams that outlive
 * a short cut must not be ended from here.
 */
export const SILENCE_DEAD_MS = 45_000;

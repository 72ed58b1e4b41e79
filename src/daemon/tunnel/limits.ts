/** Numbers of the tunnel's workstation end. docs/limits.md says why they are what they are. */

/** Data connections of a session; flows are spread over them, so that one bulk flow leaves the other free. */
export const DATA_CONNECTIONS = 2;
/** One try at opening a connection, first time and when reconnecting. */
export const OPEN_TIMEOUT_MS = 5_000;
export const REOPEN_TIMEOUT_MS = 3_000;
/** Heartbeats, and how long silence lasts before a second connection is tried, and before the first is dead. */
export const HEARTBEAT_MS = 1_000;
export const SILENCE_SUSPECT_MS = 2_000;
export const SILENCE_DEAD_MS = 15_000;
/** Back-off between tries of a lost connection. */
export const RECONNECT_FIRST_MS = 100;
export const RECONNECT_MOST_MS = 1_000;
/** A new stream waits so long for a connection instead of failing. */
export const STREAM_WAIT_MS = 10_000;
/** Answers that mean "not now" where the tunnel worked before (401, 403, 404, 503): retried so long before they are believed. */
export const BELIEVE_REFUSAL_MS = 30_000;
/** Samples kept of the round trip: a minute of heartbeats. */
export const RTT_SAMPLES = 60;

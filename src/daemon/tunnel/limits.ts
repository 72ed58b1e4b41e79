/** Numbers of the tunnel's workstation end. docs/limits.md says why they are what they are. */

/** Data connections of a session; flows are spread over them, so that one bulk flow leaves the other free. */
export const DATA_CONNECTIONS = 2;
/** They are closed when no stream was opened for so long and none is open, but for one where something is intercepted: most workstations are idle most of the day. */
export const REST_AFTER_MS = 300_000;
export const REST_LOOK_MS = 15_000;
/** One try at opening a connection. */
export const OPEN_TIMEOUT_MS = 5_000;
/** A try that neither works nor fails for so long gets another one beside it: a lost SYN is repeated ever more slowly. */
export const TRY_BESIDE_MS = 1_000;
/** The manager's answer to the first call on a new control connection. */
export const WELCOME_TIMEOUT_MS = 5_000;
/** How often connections are looked at. */
export const WATCH_MS = 250;
/** Heartbeats, how long an answer may take before a second connection is tried, and how much silence is death. */
export const HEARTBEAT_MS = 1_000;
export const SILENCE_SUSPECT_MS = 2_000;
export const SILENCE_DEAD_MS = 15_000;
/** The same once another connection shows that the line is back: TCP itself needs as long again as the line was away. */
export const SILENCE_DEAD_BESIDE_MS = 30_000;
/** A look that comes so late says that this process stood still, not that the other end is silent. */
export const STOOD_STILL_MS = 1_000;
/** The wall clock is that much ahead of the one that stops in sleep: this machine slept, its connections are likely gone. */
export const SLEPT_MS = 5_000;
/** How often the addresses of this machine are looked at: one that goes takes its connections with it, one that comes is a reason to try. */
export const LINK_POLL_MS = 500;
/** Back-off between tries of a lost connection. */
export const RECONNECT_FIRST_MS = 100;
export const RECONNECT_MOST_MS = 1_000;
/** A connection that ends sooner than this after it came up is followed by back-off too. */
export const SHORT_LIVED_MS = 5_000;
/** A connection that has a successor is used no more after this; until then agents learn of the successor. */
export const RETIRE_AFTER_MS = 3_000;
/** Tries at reaching a replica that no other data connection has: the API server picks one at random each time. */
export const SPREAD_TRIES = 4;
/** How often that is looked at again: a replica may have been away for a moment. */
export const SPREAD_AGAIN_MS = 30_000;
/** A new stream waits so long for a connection instead of failing. */
export const STREAM_WAIT_MS = 10_000;
/** Answers that mean "not now" where the tunnel worked before (401, 403, 404): retried so long before they are believed. */
export const BELIEVE_REFUSAL_MS = 30_000;
/** Samples kept of the round trip: a minute of heartbeats. */
export const RTT_SAMPLES = 60;

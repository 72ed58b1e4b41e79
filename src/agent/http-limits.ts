/** Every number of the agent's HTTP side. docs/limits.md lists them with their reasons. */

/** A connection whose first bytes leave open what it carries goes to the app. */
export const DETECT_TIMEOUT_MS = 1_000;
/** From the first byte of a later request's head to its last. */
export const HEAD_TIMEOUT_MS = 60_000;
/** A client's connection without a request in work. */
export const IDLE_TIMEOUT_MS = 600_000;
/** How long a client may go on sending after the last answer, so that it reads that answer before a reset reaches it. */
export const LINGER_MS = 2_000;
/** Bytes that may wait for a side that doesn't read, before the other is read no more. */
export const HTTP_BOUND = 256 * 1024;
/** Bytes of pipelined requests that wait for the answer of an earlier one. */
export const PIPELINE_BOUND = 128 * 1024;
/** First read buffer of a connection; grows while reads fill it. */
export const READ_BUFFER_FIRST = 4 * 1024;
export const READ_BUFFER_MAX = 256 * 1024;
/** HTTP/2 flow control: what a peer may send unread, on a stream and on all of a connection's. */
export const HTTP2_STREAM_WINDOW = 1024 * 1024;
export const HTTP2_SESSION_WINDOW = 4 * 1024 * 1024;
/** What Node may hold for one HTTP/2 connection, in MiB; beyond it streams are refused. */
export const HTTP2_SESSION_MEMORY_MIB = 64;
/** Streams that one client may have open at once on one connection. */
export const HTTP2_STREAMS_LIMIT = 1_000;
/** A server's first HTTP/2 settings. */
export const HTTP2_SETTINGS_TIMEOUT_MS = 10_000;
/** A TLS handshake, with a client, the app or a workstation's process. */
export const TLS_HANDSHAKE_MS = 10_000;
/** How long TLS keys are believed: Secrets are renewed in place. */
export const TLS_KEYS_MS = 60_000;
/** A spliced connection is closed when intercepts change and no byte has passed for this long since the app's last. */
export const SPLICE_IDLE_MS = 100;

/** Every number of the rpc. docs/limits.md lists them with their reasons. */

/** Longest line, sent or received. */
export const RPC_LINE_LIMIT = 4 * 1024 * 1024;
/** Calls of the peer that may run at once; more are answered with an error. */
export const RPC_CALLS_LIMIT = 1_024;
/** Bytes that may wait for a peer that doesn't read; more ends the connection. */
export const RPC_UNSENT_LIMIT = 16 * 1024 * 1024;
/** How long a closed peer waits for the other end to close too. */
export const RPC_LINGER_MS = 1_000;
/** Largest body of a request to the daemon's API. */
export const API_BODY_LIMIT = 4 * 1024 * 1024;

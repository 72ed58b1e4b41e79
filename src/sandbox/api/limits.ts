/** Every limit and time-out of the sandbox's API server. docs/limits.md lists them with their reasons. */

/** Changes of one kind that a watch or a page of a list can go back to; older ones get 410. */
export const WATCH_WINDOW_EVENTS = 4096;
/** A watch that allows bookmarks gets one this often. */
export const WATCH_BOOKMARK_MS = 50_000;
/** A watch without `timeoutSeconds` is ended after this, so that clients come back now and then as they must at a real one. */
export const WATCH_TIMEOUT_MS = 30 * 60_000;
/** What may wait for a watcher that does not read; more ends the watch, the client begins a new one. */
export const WATCH_BUFFER_BYTES = 64 * 1024 * 1024;
/** Events that may wait for a watcher in the same process. */
export const WATCH_BUFFER_EVENTS = 16_384;
/** The largest body of a request; etcd's own limit is half of it. */
export const BODY_LIMIT = 3 * 1024 * 1024;
/** How often a patch without a resourceVersion is made anew when another write came between. */
export const PATCH_TRIES = 5;
/** How often a generated name is drawn again when it is taken. */
export const GENERATE_NAME_TRIES = 8;
/** An idle connection is kept for longer than any client keeps it (90 s), so that none closes under a request. */
export const SERVER_IDLE_MS = 120_000;
/** A state on disk is written anew when it has grown by this beyond twice what its objects take. */
export const STATE_REWRITE_BYTES = 4 * 1024 * 1024;

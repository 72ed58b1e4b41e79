/** Every number of the sandbox's ingress controller; docs/limits.md lists them. */

/** A request's head. */
export const INGRESS_HEAD_LIMIT = 64 * 1024;
/** A client that has not sent its whole head by then is cut. */
export const INGRESS_HEAD_TIMEOUT_MS = 30_000;
/** A connection on which a client asks nothing is kept for so long. */
export const INGRESS_IDLE_MS = 60_000;
/** A connection to a pod. */
export const BACKEND_CONNECT_TIMEOUT_MS = 10_000;
/** Of a pod: a kept connection that nobody uses. Shorter than what most servers wait. */
export const BACKEND_FREE_MS = 4_000;
/** Kept connections to one pod that nobody uses. */
export const BACKEND_FREE_SOCKETS = 64;
/** Pods of a Service that are tried when one takes no connection. */
export const BACKEND_TRIES = 3;
/** Both ends of an upgraded connection: a peer that is gone without a word. */
export const UPGRADED_KEEPALIVE_MS = 60_000;
/** Requests under way when it is told to end. */
export const INGRESS_DRAIN_MS = 5_000;
/** A status that could not be written is tried again. */
export const STATUS_RETRY_MS = 2_000;
/** Of the certificate for names that no Secret is there for; a new one is made at each start. */
export const DEFAULT_CERTIFICATE_MS = 365 * 24 * 3_600_000;

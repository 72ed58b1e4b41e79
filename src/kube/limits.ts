/** Every limit and time-out of the Kubernetes client. docs/limits.md lists them with their reasons. */

/** A request's answer must be complete within this, unless the caller or --request-timeout says otherwise. */
export const KUBE_REQUEST_TIMEOUT_MS = 30_000;
/** TCP, proxy and TLS handshakes together. */
export const KUBE_CONNECT_TIMEOUT_MS = 10_000;
/** Idle pooled connections are closed before the API server (90 s) or a middlebox (60 s) closes them under a request. */
export const KUBE_IDLE_SOCKET_MS = 30_000;
export const KUBE_MAX_FREE_SOCKETS = 8;
/** First TCP keep-alive probe on every connection to the API server. */
export const KUBE_TCP_KEEPALIVE_MS = 15_000;
/** A larger answer is refused: nothing that is asked for in pages comes near. */
export const KUBE_BODY_LIMIT = 256 * 1024 * 1024;
/** How much of an error's body is read. */
export const KUBE_ERROR_BODY_LIMIT = 64 * 1024;
/** How often a request that met 429 or 503 with Retry-After is sent again, and the longest wait that is obeyed. */
export const KUBE_RETRY_AFTER_TRIES = 5;
export const KUBE_RETRY_AFTER_MAX_MS = 10_000;
/** Objects in one page of a list. */
export const KUBE_LIST_PAGE = 500;
/** Files with tokens and certificates are read again when what was read is older. */
export const KUBE_CREDENTIAL_FILE_MS = 10_000;
/** Time for a credential plugin; a browser log-in may be waiting behind it. */
export const KUBE_EXEC_TIMEOUT_MS = 120_000;
export const KUBE_EXEC_OUTPUT_LIMIT = 1024 * 1024;
/** Credentials of a plugin are renewed this long before they expire. */
export const KUBE_EXEC_EXPIRY_SLACK_MS = 10_000;
/** A watch without an event or a bookmark (the API server sends one each minute, where there is news) for so long may be dead: another goes on from there. */
export const KUBE_WATCH_IDLE_MS = 90_000;
/** The server ends a watch after between one and two times this. */
export const KUBE_WATCH_TIMEOUT_S = 240;
export const KUBE_WATCH_LINE_LIMIT = 32 * 1024 * 1024;
/** Waits of an informer between tries: doubling, half of it random, back to the first after a success. */
export const KUBE_BACKOFF_FIRST_MS = 1_000;
export const KUBE_BACKOFF_MAX_MS = 30_000;
/** The same while the API server refuses connections: such a try costs nobody anything, and its return is to be noticed soon. */
export const KUBE_BACKOFF_UNREACHABLE_MAX_MS = 3_000;
/** A WebSocket message that we send carries at most this. */
export const WEBSOCKET_MESSAGE_LIMIT = 1024 * 1024;
/** Pongs that wait for a peer who pings and doesn't read; more end the connection. */
export const WEBSOCKET_PENDING_LIMIT = 64 * 1024;
/** A leader that is killed is replaced within the lease and two polls, under 10 s; it stops itself 2 s before others may start. */
export const LEASE_DURATION_S = 7;
export const LEASE_RENEW_MS = 2_000;
export const LEASE_RENEW_DEADLINE_MS = 5_000;
export const LEASE_POLL_MS = 1_000;
export const LEASE_RETRY_MS = 500;
export const LEASE_REQUEST_TIMEOUT_MS = 2_000;
/** The most of one container's log that is read. */
export const POD_LOG_LIMIT = 16 * 1024 * 1024;

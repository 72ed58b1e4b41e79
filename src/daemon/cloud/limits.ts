/** Bounds of what the daemon says to the cloud; docs/limits.md lists them. */

/** One request to the cloud's API. */
export const CLOUD_REQUEST_TIMEOUT_MS = 15_000;
/** An answer of the API. */
export const CLOUD_ANSWER_LIMIT = 1024 * 1024;
/** How long a browser may take to sign in. */
export const LOGIN_TIMEOUT_MS = 10 * 60_000;
/** Requests to the loopback listener at once. */
export const LOGIN_CONNECTION_LIMIT = 16;
/** How long the listener's last page may take to reach the browser. */
export const LOGIN_PAGE_TIMEOUT_MS = 2_000;
/** How long removing a preview may keep `leave` and `quit` waiting; it dies with its intercept all the same. */
export const PREVIEW_REMOVE_TIMEOUT_MS = 3_000;
/** How long the manager may take to try a token at the cloud. */
export const CLOUD_LINK_TIMEOUT_MS = 15_000;
/** Services of one cluster whose ingress is remembered. */
export const REMEMBERED_INGRESSES_LIMIT = 200;
/** How long ending a login in the cloud may keep `logout` waiting. */
export const LOGOUT_TIMEOUT_MS = 5_000;

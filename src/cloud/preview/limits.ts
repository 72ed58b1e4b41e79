/** Every number of the preview proxy. docs/limits.md lists them with their reasons. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** How long an answer may take to begin after the last byte of its request: somebody may stand at a breakpoint. */
export const PREVIEW_RESPONSE_MS = 5 * MINUTE;
/** An answer or an upgraded connection in which no byte moved for so long is over. */
export const PREVIEW_IDLE_MS = 60 * MINUTE;
/** Requests of one preview at once, upgraded connections among them; the next is told that the preview is busy. */
export const PREVIEW_REQUESTS = 1_000;
/** Connections to one preview's ingress that wait for their next request. */
export const INGRESS_FREE_SOCKETS = 64;
/** How long they wait: less than the 5 s after which the shyest server ends an idle connection. */
export const INGRESS_FREE_MS = 4 * SECOND;
/** How often it is asked whether those whose requests still run may go on. */
export const PREVIEW_RECHECK_MS = 5 * SECOND;
/** What is known of a cluster's intercepts serves the requests of so long. */
export const INTERCEPT_STATE_MS = SECOND;
/** One visitor's requests within so long are one visit. */
export const VISIT_MS = 5 * MINUTE;
/** Visitors whose last visit is remembered; beyond it the oldest gets another row early. */
export const VISITORS = 10_000;
/** How long a browser may take from the preview over sign-in back to the preview. */
export const ENTER_MS = 10 * MINUTE;
/** Longest path that the way over sign-in keeps; from a longer one it comes back to the start page. */
export const ENTER_PATH_LIMIT = 4_096;

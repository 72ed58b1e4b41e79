/** Numbers of direct connections. docs/limits.md says why they are what they are. */

/** Connections to each agent: one bulk flow leaves the other free. */
export const DIRECT_CONNECTIONS = 2;
/** Pods that one workstation is directly connected to; connections of more come through a manager. */
export const DIRECT_PODS_LIMIT = 16;
/** How often they are looked at. */
export const DIRECT_WATCH_MS = 1_000;
/** Back-off between tries. */
export const DIRECT_BACKOFF_FIRST_MS = 500;
export const DIRECT_BACKOFF_MOST_MS = 30_000;
/** What is open when the last intercept of the workload ends may go on this long. */
export const DIRECT_DRAIN_MS = 10_000;

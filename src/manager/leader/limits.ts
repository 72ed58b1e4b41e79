/** Every limit and time-out of the leader. docs/limits.md lists them with their reasons. */

/** A session whose tunnel is lost keeps its claims against others for so long. */
export const CLAIM_KEPT_MS = 60_000;
/** And is itself kept, to come back, for so long. */
export const SESSION_KEPT_MS = 24 * 3_600_000;
/** A claim may wait for its agents so long before it becomes an error; `intercept.agentTimeoutMs` of the settings replaces it. */
export const AGENT_WAIT_MS = 30_000;
/** The service proxies of the nodes may still send to a pod for so long after it began to end: kube-proxy syncs once a second, and the change must reach it. */
export const SETTLE_MS = 1_500;
/** Pods without an agent are replaced again after this, doubled each time up to the second: a webhook that never answers must not churn pods. */
export const REPLACE_FIRST_MS = 15_000;
export const REPLACE_MAX_MS = 600_000;
/** Workloads that are seen to at once: a new leader of thousands must not ask the API server for all of them in one moment. */
export const WORKLOADS_AT_ONCE = 16;
/** A failed step of one workload is tried again after this, doubled up to the second. */
export const RETRY_FIRST_MS = 200;
export const RETRY_MAX_MS = 30_000;
/** Lifetimes of sessions and the webhook's CA bundle are looked at so often besides when something changes. */
export const SWEEP_MS = 10_000;

/** Waiting times of the installer; docs/limits.md says why. */
export const CRD_ESTABLISHED_TIMEOUT_MS = 15_000;
export const MANAGER_READY_TIMEOUT_MS = 120_000;
export const ROLLOUT_POLL_MS = 500;
/** A failed pull may be a hiccup of the registry; one that lasts is not. */
export const IMAGE_PULL_PATIENCE_MS = 8_000;
/** Restarts after which a crashing manager is given up on. */
export const CRASH_RESTARTS = 2;
export const POD_DELETION_TIMEOUT_MS = 60_000;
/** Of a crashed manager's log. */
export const LOG_TAIL_LINES = 5;

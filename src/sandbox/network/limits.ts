/** Every number of the sandbox's network; docs/limits.md lists them. */

/** How long a connection into a pod may take. */
export const DIAL_TIMEOUT_MS = 10_000;
/** How often such a connection is looked at while a full queue holds it up. */
export const DIAL_POLL_MS = 20;

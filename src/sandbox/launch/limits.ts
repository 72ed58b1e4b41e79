/** Every number of the sandbox's launcher; docs/limits.md lists them. */

/** A sandbox that does not answer by then has failed to start. */
export const START_TIMEOUT_MS = 30_000;
/** Between two looks whether it has ended. */
export const END_POLL_MS = 20;
/** Its pods have had their time; after that it is killed. */
export const END_TIMEOUT_MS = 10_000;

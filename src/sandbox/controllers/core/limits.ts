/** Every bound and time-out of the sandbox's controllers. docs/limits.md lists them with their reasons. */

/** Waits of a key whose work failed: doubling, half of it random. */
export const CONTROLLER_BACKOFF_FIRST_MS = 10;
export const CONTROLLER_BACKOFF_MAX_MS = 10_000;
/** Keys of one controller that are worked on at the same time. */
export const CONTROLLER_CONCURRENCY = 4;
/** Wait before a watch that broke is begun again. */
export const CONTROLLER_WATCH_PAUSE_MS = 200;
/** A controller's watch brings nothing, not even a bookmark, for so long: it is begun again. */
export const CONTROLLER_WATCH_IDLE_MS = 300_000;
/** Objects that have gone and of which a late answer is not believed any more. */
export const CONTROLLER_GRAVES = 1_000;
/** Pods that a controller creates or deletes in one go; the rest follows when these are seen. */
export const CONTROLLER_BURST = 500;
/** Endpoints in one EndpointSlice, as the real controller's default. */
export const ENDPOINTS_PER_SLICE = 100;
/** A pod that an eviction has named and that is still there after so long does not count as disrupted any more. */
export const DISRUPTED_POD_MS = 120_000;
/** Waits of a Job between the failure of a pod and its successor: doubling. */
export const JOB_BACKOFF_FIRST_MS = 10_000;
export const JOB_BACKOFF_MAX_MS = 600_000;
/** Wait before a namespace that is to go is looked at again: its pods end in their own time. */
export const NAMESPACE_LOOK_AGAIN_MS = 200;

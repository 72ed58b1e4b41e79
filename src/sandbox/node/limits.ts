/** Every number of the sandbox's node; docs/limits.md lists them. Those of a kubelet are the kubelet's. */

/** Waits before a container that failed is started again: the first restart is at once, then doubling. */
export const RESTART_BACKOFF_FIRST_MS = 10_000;
export const RESTART_BACKOFF_MAX_MS = 300_000;
/** A container that ran so long begins with short waits again. */
export const RESTART_BACKOFF_FORGET_MS = 600_000;
/** An image that is not there, a volume or a key that is missing: looked for again. */
export const SETUP_RETRY_MS = 2_000;
export const IMAGE_BACKOFF_FIRST_MS = 10_000;
/** What waits for somebody who is attached to a container and does not read; more lets them go. */
export const ATTACH_UNREAD_LIMIT = 1024 * 1024;
/** A log file that is this long is closed, and so many are kept: the kubelet's 10 MiB and 5, but of memory. */
export const LOG_FILE_LIMIT = 2 * 1024 * 1024;
export const LOG_FILES_KEPT = 3;
/** A line of a log that is longer is written in parts. */
export const LOG_LINE_LIMIT = 16 * 1024;
/** Instances of a container whose logs are kept: its last, and the one before. */
export const LOG_INSTANCES_KEPT = 2;
/** What a probe's or a hook's command printed is kept up to here. */
export const PROBE_OUTPUT_LIMIT = 10 * 1024;
/** The node says that it is there. */
export const NODE_LEASE_RENEW_MS = 10_000;
export const NODE_LEASE_SECONDS = 40;
/** Between the end of the grace and SIGKILL's effect. */
export const KILL_WAIT_MS = 5_000;
/** Wait of a pod's terminated message. */
export const TERMINATION_MESSAGE_LIMIT = 4_096;
/** A service account's token is asked for again after this part of its life. */
export const TOKEN_REFRESH_PART = 0.8;
/** Pods of one node. */
export const PODS_PER_NODE = 500;
/** A pod that fits nowhere is looked at again. */
export const SCHEDULE_RETRY_MS = 5_000;
/** Lines of the log that stand for a termination message where that is wanted. */
export const TERMINATION_MESSAGE_LINES = 80;
/** A postStart hook that takes longer is given up with its container. */
export const POST_START_TIMEOUT_MS = 600_000;
/** Volumes that are made from objects are looked at again so often, beside whenever their objects change. */
export const VOLUME_REFRESH_MS = 60_000;

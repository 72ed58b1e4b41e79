/** Every number of the capture; docs/limits.md lists them. */

/**
 * How long a captured connection waits for the client's first bytes before its stream is opened without them. Most clients
 * write at once, and bytes in the opening frame save a wake-up of every program on the way; where the server speaks first this is the whole cost.
 */
export const FIRST_BYTES_WAIT_MS = 2;
/** Connections that the kernel holds for the daemon while it is busy: a burst is delayed, not refused. */
export const CAPTURE_BACKLOG = 4_096;
/** UDP flows at once; the one unused for longest gives way. */
export const UDP_FLOW_LIMIT = 4_096;
/** Datagrams of a flow that wait while its stream is being opened. */
export const UDP_PENDING_LIMIT = 64;
/** How often idle flows are looked for; also how exactly a flow's last use is known. */
export const UDP_SWEEP_MS = 1_000;
/** Bytes on their way to netd beyond which packets are dropped. */
export const PACKET_BACKLOG_LIMIT = 4 * 1024 * 1024;
/** How long closing waits for netd to have undone everything. */
export const NETD_UNDO_TIMEOUT_MS = 2_000;
/** How long netd may take for one `set` or `check`. */
export const NETD_CALL_TIMEOUT_MS = 15_000;

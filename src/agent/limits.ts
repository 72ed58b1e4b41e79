/** Every number of the agent. docs/limits.md lists them with their reasons. */

/** First read buffer of a spliced connection; grows while reads fill it. */
export const SPLICE_BUFFER_FIRST = 8 * 1024;
export const SPLICE_BUFFER_MAX = 512 * 1024;
/** Bytes that may wait for a side that doesn't read, before the other is read no more. */
export const SPLICE_BOUND = 256 * 1024;
/** Connections that wait to be accepted. */
export const ACCEPT_BACKLOG = 4_096;
/** TCP keep-alive of accepted connections: the app can't see that a client died, the agent stands between. */
export const CLIENT_KEEPALIVE_MS = 60_000;
/** Client's bytes kept until the workstation's first answer, so that the app can still get them instead. */
export const REPLAY_LIMIT = 256 * 1024;
/** UDP flows of one port; more take the place of the oldest. */
export const UDP_FLOW_LIMIT = 4_096;
/** Datagrams of a new flow that wait until its socket is there. */
export const UDP_EARLY_LIMIT = 16;
/** How often idle UDP flows are looked for. */
export const UDP_SWEEP_MS = 5_000;
/** TCP and TLS to a manager. */
export const LINK_CONNECT_TIMEOUT_MS = 5_000;
/** The manager's answer to the hello: it asks the API server first. */
export const LINK_HELLO_TIMEOUT_MS = 15_000;
/** How often managers are told what was taken, while something is. */
export const TAKEN_EVERY_MS = 1_000;
/** How soon what was seen of a probe's mark is told. */
export const PROBE_REPORT_MS = 200;
/** A call to a manager. */
export const LINK_CALL_TIMEOUT_MS = 10_000;
/** A new pod is ready without its managers after this; their link takes 0.1 s. Bounded by the probe's own time-out. */
export const READY_WAIT_MS = 2_000;
/** Waits between tries to link: doubling from the first to the most, half of each random. */
export const LINK_BACKOFF_FIRST_MS = 200;
export const LINK_BACKOFF_MAX_MS = 5_000;
/** A silent manager is given up after ping and answer time together: 5 s while something is intercepted. */
export const PING_INTERVAL_MS = 2_500;
export const PING_IDLE_INTERVAL_MS = 20_000;
export const PING_TIMEOUT_MS = 2_500;
/** How often a draining agent looks whether the app is gone, besides whenever the app refuses a client. */
export const DRAIN_POLL_MS = 250;
/** Once the app is gone: how often it looks whether all clients have their answers. */
export const DRAIN_ANSWERS_POLL_MS = 20;
/** After the app is gone, open connections (to the workstation, or of slow clients) may go on this long. */
export const DRAIN_LIMIT_MS = 20_000;
/** A pod with UDP ports only says nothing of its app's end: it is drained after this long without a datagram. */
export const DRAIN_UDP_QUIET_MS = 2_000;
/** A request to the health port: no longer, and no slower, than this. */
export const HEALTH_REQUEST_LIMIT = 4 * 1024;
export const HEALTH_TIMEOUT_MS = 5_000;
/** Workstations' direct connections to one agent, proved or not; more are refused. */
export const DIRECT_CONNECTION_LIMIT = 1_024;
/** Of one session. A workstation has two, and as many again while it replaces them. */
export const DIRECT_SESSION_LIMIT = 8;
/** Those that have not proved themselves, from one address (an API server's stands for many workstations) and in all. Beyond, the oldest is ended. */
export const DIRECT_UNPROVEN_EACH = 32;
export const DIRECT_UNPROVEN_LIMIT = 64;
/** TLS handshake, request and hello, each. */
export const DIRECT_HANDSHAKE_MS = 10_000;
/** A request for a direct connection: an API server passes on what the workstation sent and adds little. */
export const DIRECT_HEAD_LIMIT = 16 * 1024;
/** A certificate for the port is made anew after this: half its life. */
export const DIRECT_RENEW_MS = 15 * 24 * 3_600_000;
/** After a port could not be opened, or no manager gave a certificate. */
export const DIRECT_RETRY_MS = 5_000;

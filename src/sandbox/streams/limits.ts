/** Time-outs and bounds of `streams/`; docs/limits.md lists them with their reasons. */

/** Connecting to a pod for a proxied request, TLS included. */
export const PROXY_DIAL_TIMEOUT_MS = 30_000;
/** The head of a pod's answer to an upgrade; longer ones are refused. */
export const UPGRADE_HEAD_LIMIT = 64 * 1024;
/** Bytes that wait for a client (or process) that does not read, before its source is read no more. */
export const CHANNEL_BOUND = 256 * 1024;
/** The longest SPDY frame and WebSocket message that is gathered whole: control frames, resize messages. */
export const CONTROL_LIMIT = 64 * 1024;
/** How long a port-forward's client may take between the two streams of a connection. */
export const FORWARD_PAIR_TIMEOUT_MS = 30_000;

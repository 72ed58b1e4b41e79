/** Every number of netd; docs/limits.md lists them. */

/** Largest packet the TUN may carry: a 65,507-byte datagram passes whole, and nothing is fragmented on the workstation. */
export const TUN_MTU = 65_535;
/** Room for packets on their way between TUN and daemon, each way. When it is full the kernel's queue drops. */
export const PUMP_BUFFER_BYTES = 256 * 1024;
/** Send buffer of the packet connection: some large datagrams in a burst. */
export const PACKET_SOCKET_BUFFER = 1024 * 1024;
/** How long one nft transaction may take. */
export const NFT_ANSWER_TIMEOUT_MS = 5_000;
/** How long one `ip` or `resolvectl` command may take. */
export const COMMAND_TIMEOUT_MS = 5_000;
/** Output of a command beyond this is refused: a routing table of some 50,000 entries. */
export const COMMAND_OUTPUT_LIMIT = 16 * 1024 * 1024;
/** How long netd tries to reach the daemon's socket. */
export const DIAL_TIMEOUT_MS = 10_000;
export const DIAL_RETRY_MS = 50;
/** Changes of links and routes come in bursts; they are looked at once this long after the first. */
export const NETWORK_CHANGE_DELAY_MS = 200;
/** Most elements of one list of the wanted state. */
export const STATE_LIST_LIMIT = 4_096;
/** IPv6 address of the TUN when IPv6 subnets are captured (RFC 4193, the bytes spell "tel"). */
export const TUN_ADDRESS6 = 'fd74:656c::1/128';

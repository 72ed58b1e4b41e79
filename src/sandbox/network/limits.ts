/** Every number of the sandbox's network; docs/limits.md lists them. */

/** How long changes of services are collected before the rules change. */
export const SERVICE_RULES_DELAY_MS = 10;
/** How long one `nft` transaction may take. */
export const NFT_TIMEOUT_MS = 10_000;
/** Time to live of the cluster DNS's answers, as CoreDNS has it. */
export const CLUSTER_DNS_TTL_S = 30;
/** A query that is handed on to the outside resolver: then SERVFAIL. */
export const DNS_FORWARD_TIMEOUT_MS = 2_000;
/** An open TCP connection to the DNS server that says nothing. */
export const DNS_TCP_IDLE_MS = 10_000;
/** How long a connection into a pod may take. */
export const DIAL_TIMEOUT_MS = 10_000;
/** How often such a connection is looked at while a full queue holds it up. */
export const DIAL_POLL_MS = 20;

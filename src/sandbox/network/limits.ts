/** Every number of the sandbox's network; docs/limits.md lists them. */

/** How long a connection from a node or into a pod may take, where who asks says no time. */
export const DIAL_TIMEOUT_MS = 10_000;
/** How often such a connection is looked at, at last, while a full queue holds it up; the first waits are shorter. */
export const DIAL_POLL_MS = 20;
/** A change of the rules that takes longer has failed, and is tried again. */
export const NFT_TIMEOUT_MS = 10_000;
/** Seconds for which answers of the cluster's DNS may be kept, as CoreDNS's default for a cluster. */
export const CLUSTER_DNS_TTL_S = 30;
/** A DNS connection that asks nothing for so long is closed. */
export const DNS_IDLE_MS = 10_000;
/** Ports of the node for Services, as Kubernetes' default. */
export const NODE_PORT_FIRST = 30_000;
export const NODE_PORT_LAST = 32_767;

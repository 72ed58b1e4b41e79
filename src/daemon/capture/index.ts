/**
 * The workstation's traffic into the cluster, as the daemon sees it: the TCP listener that nft redirects to, the UDP
 * packets of the TUN, and the link to netd, which holds both in place.
 */
export { type NetdLink, type NetdServer, startNetdServer } from './netd-link.ts';
export type { Destination } from './original-destination.ts';
export { createDatagramFlow, type DatagramFlow, type Packets, type PacketsOptions, startPackets } from './packets.ts';
export { type Capture, type CaptureOptions, startCapture } from './tcp.ts';

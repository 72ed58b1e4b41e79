/**
 * The workstation's DNS: names of the cluster are answered by the cluster, all others go as raw bytes to exactly the
 * resolver that was asked, and its answers come back as raw bytes. What is not answered there is not answered here.
 */

export { type ResolvConf, readResolvConf } from '../../dns/index.ts';
export { type ClusterResolver, createClusterResolver, createSwitchableResolver, type SwitchableResolver } from './cluster-resolver.ts';
export { localResolverUids } from './local-resolver.ts';
export type { DnsPolicy } from './policy.ts';
export { type DnsServer, type DnsServerOptions, startDnsServer } from './server.ts';

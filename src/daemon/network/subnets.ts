/** Which addresses belong to the cluster: what is captured, and what stays with the workstation. */
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { CodedError } from '../../base/errors.ts';
import { type Cidr, createIpMatcher, formatCidr, hostCidr, mergeCidrs, parseIp, parseSubnet, subtractCidrs } from '../../net/index.ts';
import type { ClusterInfo } from '../../protocol/tunnel.ts';

export interface SubnetParams {
  alsoProxy: readonly string[];
  neverProxy: readonly string[];
}

export interface Subnets {
  /** CIDRs of the cluster, `--also-proxy` among them. */
  captured: string[];
  /** CIDRs inside them that stay with the workstation's own routes. */
  excluded: string[];
  isCaptured: (address: string) => boolean;
}

/** Parses a flag's CIDRs (a lone address is a block of itself). @throws TP-USAGE naming the flag. */
export function parseCidrs(flag: string, texts: readonly string[]): string[] {
  return texts.map((text) => {
    const cidr = parseSubnet(text);
    if (cidr === undefined) throw new CodedError('TP-USAGE', `${flag}: "${text}" is not a CIDR such as 10.1.0.0/16 (no bits may be set behind the prefix).`);
    return formatCidr(cidr);
  });
}

/** The addresses of the API server, which must stay reachable without the tunnel. */
export async function addressesOf(server: string): Promise<string[]> {
  const host = new URL(server).hostname.replace(/^\[|\]$/g, '');
  if (net.isIP(host) !== 0) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    // behind a proxy-url only the proxy may be able to resolve it; then there is no address to keep out
    return [];
  }
}

const parsed = (texts: readonly string[]): Cidr[] => texts.map((text) => parseSubnet(text)).filter((cidr) => cidr !== undefined);

export function subnetsOf(cluster: ClusterInfo, params: SubnetParams, apiServer: readonly string[]): Subnets {
  const captured = mergeCidrs(parsed([...cluster.serviceSubnets, ...cluster.podSubnets, ...params.alsoProxy]));
  const ours = apiServer.map((address) => parseIp(address)).filter((ip) => ip !== undefined);
  const excluded = mergeCidrs([...parsed(params.neverProxy), ...ours.map((ip) => hostCidr(ip))]);
  return {
    captured: captured.map((cidr) => formatCidr(cidr)),
    excluded: excluded.map((cidr) => formatCidr(cidr)),
    isCaptured: createIpMatcher(subtractCidrs(captured, excluded)),
  };
}

/** Reads the cluster's domain and DNS address from the pod's `/etc/resolv.conf`. Pure. */
import { isIP } from 'node:net';

export const DEFAULT_CLUSTER_DOMAIN = 'cluster.local';

export interface ResolvConf {
  nameservers: string[];
  search: string[];
}

export function parseResolvConf(text: string): ResolvConf {
  const result: ResolvConf = { nameservers: [], search: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined && isIP(values[0]) !== 0) result.nameservers.push(values[0]);
    if (keyword === 'search' || keyword === 'domain') result.search = values.map((domain) => domain.replace(/\.$/, '').toLowerCase());
  }
  return result;
}

/** The domain behind `<namespace>.svc.` in the kubelet's search list. */
export function clusterDomainOf(conf: ResolvConf, namespace: string): string | undefined {
  const prefix = `${namespace}.svc.`;
  return (
    conf.search.find((domain) => domain.startsWith(prefix))?.slice(prefix.length) ??
    conf.search.find((domain) => domain.startsWith('svc.'))?.slice('svc.'.length)
  );
}

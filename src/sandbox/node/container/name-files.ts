/** /etc/hosts, /etc/hostname and /etc/resolv.conf of a pod. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SANDBOX_NETWORK } from '../../contract.ts';
import type { Pod } from '../../controllers/core/types.ts';
import type { Mount } from '../runtime/protocol.ts';

const CLUSTER_SEARCH = ['svc.cluster.local', 'cluster.local'];

export function hostnameOf(pod: Pod, nodeName: string): string {
  if (pod.spec.hostNetwork === true) return nodeName;
  const { hostname } = pod.spec;
  return (hostname === undefined || hostname === '' ? pod.metadata.name : hostname).slice(0, 63);
}

/** Written anew at each start of a container, so that no container keeps what another wrote into them. */
export async function nameFiles(pod: Pod, hostname: string, ip: string, folder: string): Promise<Mount[]> {
  await mkdir(folder, { recursive: true });
  const files = { hosts: hostsOf(pod, hostname, ip), hostname: `${hostname}\n`, 'resolv.conf': resolvConfOf(pod) };
  const mounts: Mount[] = [];
  for (const [name, text] of Object.entries(files)) {
    const source = join(folder, name);
    await writeFile(source, text, { mode: 0o644 });
    mounts.push({ kind: 'bind', source, target: `/etc/${name}`, readOnly: false });
  }
  return mounts;
}

function hostsOf({ metadata, spec }: Pod, hostname: string, ip: string): string {
  const full = spec.subdomain === undefined || spec.subdomain === '' ? [] : [`${hostname}.${spec.subdomain}.${metadata.namespace}.svc.cluster.local`];
  const aliases = (spec.hostAliases ?? []).map((alias) => `${alias.ip ?? ''}\t${(alias.hostnames ?? []).join('\t')}`);
  const lines = ['# Kubernetes-managed hosts file.', '127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', [ip, ...full, hostname].join('\t')];
  return `${[...lines, ...aliases].join('\n')}\n`;
}

export function resolvConfOf({ metadata, spec }: Pod): string {
  const { dnsPolicy = 'ClusterFirst', dnsConfig = {}, hostNetwork = false } = spec;
  const ofCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  const servers = dnsPolicy === 'None' ? [] : [ofCluster ? SANDBOX_NETWORK.dnsService : SANDBOX_NETWORK.outsideDns];
  const search = ofCluster ? [`${metadata.namespace}.svc.cluster.local`, ...CLUSTER_SEARCH] : [];
  const options = new Map(ofCluster ? [['ndots', '5']] : []);
  for (const { name, value } of dnsConfig.options ?? []) if (name !== undefined) options.set(name, value ?? '');
  const searches = [...new Set([...search, ...(dnsConfig.searches ?? [])])];
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...[...new Set([...servers, ...(dnsConfig.nameservers ?? [])])].map((server) => `nameserver ${server}`),
    ...(options.size === 0 ? [] : [`options ${[...options].map(([name, value]) => (value === '' ? name : `${name}:${value}`)).join(' ')}`]),
    '',
  ].join('\n');
}

/** Which names are the cluster's: a pure function of the question and the policy. docs/features/dns.md has the table. */
import { isIP } from 'node:net';
import { type DnsQuestion, foldName, splitName, TYPE } from '../../dns/index.ts';
import { createIpMatcher, parseSubnet } from '../../net/index.ts';

/** The original's default: names that are never asked in the cluster, also with a namespace called `io`. */
export const DEFAULT_EXCLUDE_SUFFIXES: readonly string[] = ['.arpa', '.com', '.io', '.net', '.org', '.ru'];
/** Names by which machines look for services around them; never the cluster's. */
export const DISCOVERY_NAMES: readonly string[] = ['localhost', 'wpad', 'isatap', 'local'];

export interface DnsPolicy {
  clusterDomain: string;
  /** The connected namespace: single labels are its Services. */
  namespace: string;
  /** All mapped namespaces: each acts as a top-level domain. */
  namespaces: readonly string[];
  /** Names under these are asked in the cluster as they are; wins over `excludeSuffixes`. */
  includeSuffixes: readonly string[];
  excludeSuffixes: readonly string[];
  /** Names that the cluster never answers, as asked or in any longer or shorter form of the same Service name. */
  excludes: readonly string[];
  mappings: readonly { name: string; aliasFor: string }[];
  /** CIDRs whose addresses' PTR is asked in the cluster. */
  clusterSubnets: readonly string[];
  lookupTimeoutMs: number;
}

export type Route =
  /** As raw bytes to the previous resolver. */
  | { to: 'upstream' }
  /**
   * Ask the cluster for `name`. `own`: the name can be nobody else's, so the cluster's NXDOMAIN is the answer;
   * otherwise a name that the cluster does not have goes to the previous resolver.
   */
  | { to: 'cluster'; name: string; own: boolean }
  /** A mapping to an address. */
  | { to: 'address'; address: string }
  /** A mapping to a name that is not the cluster's by its form: asked in the cluster first, then of the previous resolver. */
  | { to: 'alias'; name: string; alias: string }
  /** Under a search domain of resolv.conf, with what would be a cluster name before it. */
  | { to: 'search'; name: string; suffix: string };

export interface CompiledPolicy {
  readonly source: DnsPolicy;
  route(question: DnsQuestion): Route;
}

const UPSTREAM: Route = { to: 'upstream' };
const suffixOf = (suffix: string) => `.${foldName(suffix).replace(/^\.+/, '')}`;
const under = (name: string, suffixes: readonly string[]) => suffixes.some((suffix) => name.endsWith(suffix) || `.${name}` === suffix);

/** The address that a reverse name stands for; undefined when it is none or not whole. */
export function reverseAddress(name: string): string | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four) {
    const address = `${four[4]}.${four[3]}.${four[2]}.${four[1]}`;
    return isIP(address) === 4 ? address : undefined;
  }
  if (!/^([0-9a-f]\.){32}ip6\.arpa$/.test(name)) return undefined;
  const digits = name.slice(0, 64).split('.').reverse().join('');
  return digits.match(/.{4}/g)?.join(':');
}

/** Prepares a policy for many questions. `search` are resolv.conf's search domains. */
export function compilePolicy(source: DnsPolicy, search: readonly string[] = []): CompiledPolicy {
  const domain = foldName(source.clusterDomain);
  const dotDomain = `.${domain}`;
  const namespaces = new Set(source.namespaces.map(foldName));
  const include = source.includeSuffixes.map(suffixOf);
  const exclude = source.excludeSuffixes.map(suffixOf);
  const searchSuffixes = search.map(suffixOf);
  const inCluster = createIpMatcher(source.clusterSubnets.map((subnet) => parseSubnet(subnet)).filter((subnet) => subnet !== undefined));
  const mappings = new Map(source.mappings.map(({ name, aliasFor }) => [foldName(name), foldName(aliasFor)]));

  /** The full cluster name of a name that has a cluster name's form. */
  const clusterName = (name: string): { name: string; own: boolean } | undefined => {
    if (name === domain || name.endsWith(dotDomain)) return { name, own: true };
    // A search list makes `x.svc.cluster.local.corp.example`; asking outside for it would be a leak and a wait.
    for (const suffix of searchSuffixes) {
      if (name.endsWith(suffix) && name.slice(0, -suffix.length).endsWith(dotDomain)) return { name: name.slice(0, -suffix.length), own: true };
    }
    if (include.length > 0 && under(name, include)) return { name, own: false };
    if (under(name, exclude)) return undefined;
    const labels = splitName(name);
    const last = labels.at(-1) as string;
    if (labels.length === 1) return DISCOVERY_NAMES.includes(name) ? undefined : { name: `${name}.${foldName(source.namespace)}.svc.${domain}`, own: false };
    if (last === 'svc' && labels.length >= 3) return { name: `${name}.${domain}`, own: namespaces.has(labels.at(-2) as string) };
    if (namespaces.has(last)) return { name: `${name}.svc.${domain}`, own: false };
    return undefined;
  };
  const excludes = new Set(
    source.excludes.flatMap((name) => {
      const folded = foldName(name);
      return [folded, clusterName(folded)?.name ?? folded];
    }),
  );

  const route = (question: DnsQuestion): Route => {
    const name = foldName(question.name);
    if (name === '' || name.includes('*')) return UPSTREAM;
    if (question.type === TYPE.PTR) {
      const address = reverseAddress(name);
      if (address !== undefined && inCluster(address)) return { to: 'cluster', name, own: false };
    }
    const found = clusterName(name);
    if (excludes.has(name) || (found !== undefined && excludes.has(found.name))) return UPSTREAM;
    const alias = mappings.get(name) ?? (found === undefined ? undefined : mappings.get(found.name));
    if (alias !== undefined && alias !== name) {
      if (isIP(alias) !== 0) return { to: 'address', address: alias };
      const target = clusterName(alias);
      return target?.own === true ? { to: 'cluster', ...target } : { to: 'alias', name: target?.name ?? alias, alias };
    }
    if (found !== undefined) return { to: 'cluster', ...found };
    if (question.type !== TYPE.A && question.type !== TYPE.AAAA) return UPSTREAM;
    const suffix = searchSuffixes.find((one) => name.endsWith(one));
    const short = suffix === undefined ? undefined : clusterName(name.slice(0, -suffix.length));
    return suffix === undefined || short === undefined || excludes.has(short.name) ? UPSTREAM : { to: 'search', name: short.name, suffix };
  };
  return { source, route };
}

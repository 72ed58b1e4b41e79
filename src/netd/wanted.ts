/**
 * The daemon's wanted state, checked. netd is root and the daemon is not: every text that reaches `nft` or `ip`
 * is parsed here and written anew, so that none can carry a command.
 */
import { CodedError } from '../base/errors.ts';
import { type Cidr, formatIp, type Ip, mergeCidrs, parseCidr, parseInterfaceAddress, parseIp, parseSubnet, subtractCidrs } from '../net/index.ts';
import { netStateSchema } from '../protocol/netd-api.ts';
import { STATE_LIST_LIMIT } from './limits.ts';

export interface DnsServer {
  server: Ip;
  port: number;
}

export type WantedDns =
  | { mode: 'none' }
  | { mode: 'redirect'; servers: DnsServer[]; exemptPorts: { first: number; last: number }; exemptUids: number[] }
  | { mode: 'resolved'; server: string; domains: string[] };

export interface Wanted {
  /** Name of the device without its number. */
  devicePrefix: string;
  /** Address of the TUN with its prefix. */
  address: { ip: Ip; cidr: Cidr };
  /** What is captured: the subnets without the excluded, merged. */
  captured: Cidr[];
  neverFrom: Cidr[];
  capturePort: number;
  dns: WantedDns;
}

function refuse(what: string): never {
  throw new CodedError('TP-NETD-FAILED', `netd was asked for something that is not valid: ${what}.`);
}

function list<In, Out>(name: string, values: In[], read: (value: In) => Out | undefined): Out[] {
  if (values.length > STATE_LIST_LIMIT) refuse(`${values.length} ${name}, where ${STATE_LIST_LIMIT} are allowed`);
  return values.map((value) => read(value) ?? refuse(`${JSON.stringify(value)} in ${name}`));
}

function port(name: string, value: number): number {
  return Number.isInteger(value) && value >= 1 && value <= 65_535 ? value : refuse(`port ${value} for ${name}`);
}

const DOMAIN = /^~?(?:\.|(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?)+)$/i;

type StateDns = ReturnType<typeof netStateSchema.parse>['dns'];

function readDns(dns: StateDns): WantedDns {
  if (dns.mode === 'none') return { mode: 'none' };
  if (dns.mode === 'resolved') {
    const server = parseIp(dns.server) ?? refuse(`DNS server ${JSON.stringify(dns.server)}`);
    const domains = list('DNS domains', dns.domains, (domain) => (domain.length <= 254 && DOMAIN.test(domain) ? domain : undefined));
    return { mode: 'resolved', server: formatIp(server), domains };
  }
  const servers = list('DNS servers', dns.servers, ({ server, port: to }) => {
    const ip = parseIp(server);
    return ip && { server: ip, port: port('DNS', to) };
  });
  const { first, last } = dns.exemptPorts;
  if (port('DNS', first) > port('DNS', last)) refuse(`exempt ports ${first}-${last}`);
  const exemptUids = list('exempt uids', dns.exemptUids, (uid) => (Number.isInteger(uid) && uid >= 0 && uid < 2 ** 32 ? uid : undefined));
  return { mode: 'redirect', servers, exemptPorts: { first, last }, exemptUids };
}

/** @throws TP-NETD-FAILED for anything that does not have the exact form. */
export function readWanted(params: unknown): Wanted {
  const parsed = netStateSchema.safeParse(params);
  if (!parsed.success) return refuse(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  const state = parsed.data;
  const devicePrefix = /^([a-z]{1,10})[0-9]{0,3}$/.exec(state.device)?.[1] ?? refuse(`device name ${JSON.stringify(state.device)}`);
  const subnets = list('subnets', state.subnets, parseCidr);
  if (subnets.some((subnet) => subnet.prefix === 0)) refuse('a subnet that is the whole of the address space');
  return {
    devicePrefix,
    address: parseInterfaceAddress(state.address) ?? refuse(`address ${JSON.stringify(state.address)}`),
    captured: subtractCidrs(subnets, list('exclude', state.exclude, parseSubnet)),
    neverFrom: mergeCidrs(list('neverFrom', state.neverFrom, parseSubnet)),
    capturePort: port('capture', state.capturePort),
    dns: readDns(state.dns),
  };
}

/** What the workstation's own network looks like: read from `ip -json`, judged by pure functions. */
import { z } from 'zod';
import { type Cidr, cidrCovers, cidrHalves, cidrsOverlap, formatCidr, hostCidr, IP_BITS, parseIp, parseSubnet } from '../net/index.ts';
import type { NetCheck } from '../protocol/netd-api.ts';
import type { CommandRunner } from './command-runner.ts';

const routesSchema = z.array(
  z.looseObject({ dst: z.string(), dev: z.string().optional(), nexthops: z.array(z.looseObject({ dev: z.string().optional() })).optional() }),
);
const addressesSchema = z.array(
  z.looseObject({ ifname: z.string().optional(), addr_info: z.array(z.looseObject({ local: z.string().optional() })).optional() }),
);
const linksSchema = z.array(
  z.looseObject({ ifname: z.string().optional(), master: z.string().optional(), linkinfo: z.looseObject({ info_kind: z.string().optional() }).optional() }),
);

export interface LocalRoute {
  cidr: Cidr;
  device: string;
}

export interface LocalNetwork {
  /** Routes of the main table and the interfaces' own addresses; default routes are not among them. */
  routes: LocalRoute[];
  /** Devices through which the LAN or the internet is reached: nothing that comes in there is captured. */
  outside: string[];
}

/** Kinds of interface behind which local containers and namespaces are. */
export const INSIDE_KINDS = ['bridge', 'veth'] as const;
/** Kinds of bridge port that don't lead out of this machine; tun: the tap devices of virtual machines. */
const INSIDE_PORT_KINDS = ['veth', 'tun'];
/** VPNs replace the default route by a few wide ones (`0.0.0.0/1`, `2000::/3`): to overlap those says nothing. */
const WIDEST_CONFLICT = { 4: 2, 6: 4 } as const;

async function readJson<T>(runner: CommandRunner, schema: z.ZodType<T>, args: string[]): Promise<T> {
  const text = await runner.run(['ip', '-json', ...args]);
  // `ip` prints nothing at all, not an empty list, where a family is off.
  return schema.parse(text.trim() === '' ? [] : JSON.parse(text));
}

const devicesOf = (route: z.infer<typeof routesSchema>[number]): string[] =>
  [route.dev, ...(route.nexthops ?? []).map((hop) => hop.dev)].filter((dev) => dev !== undefined);

function isWide(cidr: Cidr): boolean {
  return cidr.prefix < WIDEST_CONFLICT[cidr.version];
}

/** Reads routes, addresses and links. `own` is netd's device, left out everywhere. */
export async function readLocalNetwork(runner: CommandRunner, own?: string): Promise<LocalNetwork> {
  const [main4, main6, all4, all6, addresses, links] = await Promise.all([
    readJson(runner, routesSchema, ['-4', 'route', 'show', 'table', 'main']),
    readJson(runner, routesSchema, ['-6', 'route', 'show', 'table', 'main']),
    readJson(runner, routesSchema, ['-4', 'route', 'show', 'table', 'all']),
    readJson(runner, routesSchema, ['-6', 'route', 'show', 'table', 'all']),
    readJson(runner, addressesSchema, ['address', 'show']),
    readJson(runner, linksSchema, ['-details', 'link', 'show']),
  ]);

  const routes: LocalRoute[] = [];
  for (const route of [...main4, ...main6]) {
    const cidr = parseSubnet(route.dst);
    const [device = ''] = devicesOf(route);
    if (cidr !== undefined && device !== own && !isWide(cidr)) routes.push({ cidr, device });
  }
  for (const { ifname, addr_info: infos } of addresses) {
    if (ifname === undefined || ifname === own || ifname === 'lo') continue;
    for (const { local } of infos ?? []) {
      const ip = parseIp(local ?? '');
      if (ip !== undefined) routes.push({ cidr: hostCidr(ip), device: ifname });
    }
  }

  const outside = new Set<string>();
  for (const route of [...all4, ...all6]) {
    const cidr = parseSubnet(route.dst);
    if (route.dst === 'default' || (cidr !== undefined && isWide(cidr))) for (const device of devicesOf(route)) outside.add(device);
  }
  for (const { master, linkinfo } of links) {
    if (master !== undefined && !INSIDE_PORT_KINDS.includes(linkinfo?.info_kind ?? '')) outside.add(master);
  }
  outside.delete('lo');
  if (own !== undefined) outside.delete(own);
  return { routes, outside: [...outside].sort() };
}

/** Local routes that share addresses with a wanted subnet; of each pair of subnet and device the widest route. */
export function findConflicts(subnets: Cidr[], routes: LocalRoute[]): NetCheck['conflicts'] {
  const conflicts: NetCheck['conflicts'] = [];
  for (const subnet of subnets) {
    const overlapping = routes.filter(({ cidr }) => cidrsOverlap(cidr, subnet)).sort((a, b) => a.cidr.prefix - b.cidr.prefix);
    const seen = new Set<string>();
    for (const { cidr, device } of overlapping) {
      if (seen.has(device)) continue;
      seen.add(device);
      conflicts.push({ subnet: formatCidr(subnet), route: formatCidr(cidr), device });
    }
  }
  return conflicts;
}

/**
 * Routes that bring `captured` to the TUN. The longest prefix wins in the kernel, so a local route inside a captured block
 * (let through with --allow-conflicting-subnets) gets its two halves routed too: it is outdone, never replaced or removed.
 */
export function planRoutes(captured: Cidr[], local: LocalRoute[]): string[] {
  const planned = new Set(captured.map(formatCidr));
  for (const { cidr } of local) {
    if (cidr.prefix === IP_BITS[cidr.version] || !captured.some((block) => cidrCovers(block, cidr))) continue;
    planned.delete(formatCidr(cidr));
    for (const half of cidrHalves(cidr) ?? []) planned.add(formatCidr(half));
  }
  return [...planned].sort();
}

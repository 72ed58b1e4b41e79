/**
 * Where redirected queries arrive: 127.0.0.1 and ::1 for this host's own, the interface's first address for those of
 * local containers. Listening on exactly these (never on 0.0.0.0) has two reasons: an answer must leave from the address that
 * the query was redirected to, or the kernel does not translate it back; and no LAN host reaches the listener.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { codeOf } from '../../base/errors.ts';
import { createIpMatcher, parseInterfaceAddress } from '../../net/index.ts';

export interface ListenPlace {
  /** To bind to; link-local addresses carry their zone. */
  address: string;
  family: 4 | 6;
  /** Whether a query's source may be answered there. */
  accepts(source: string): boolean;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

/** Names of the interfaces that hold a default route: behind them are strangers. */
function defaultRouteInterfaces(): Set<string> {
  const names = new Set<string>();
  for (const line of readLines('/proc/net/route').slice(1)) {
    const [name, destination, , , , , , mask] = line.split(/\s+/);
    if (name !== undefined && destination === '00000000' && mask === '00000000') names.add(name);
  }
  for (const line of readLines('/proc/net/ipv6_route')) {
    const fields = line.trim().split(/\s+/);
    const name = fields.at(-1);
    if (name !== undefined && name !== 'lo' && /^0{32}$/.test(fields[0] ?? '') && fields[1] === '00') names.add(name);
  }
  return names;
}

/** Whether an interface has no hardware under it: a bridge or veth of containers, not a VLAN or bond of the LAN. */
function isVirtual(name: string, mac: string): boolean {
  const folder = `/sys/class/net/${name}`;
  // A /sys of another network namespace says nothing of this one, where hardware is rare.
  if (!existsSync(folder) || readLines(`${folder}/address`)[0] !== mac) return true;
  if (!realpathSync(folder).includes('/virtual/') || readLines(`${folder}/type`)[0] !== '1') return false;
  const lower = [
    ...readdirSync(folder)
      .filter((entry) => entry.startsWith('lower_'))
      .map((entry) => entry.slice('lower_'.length)),
  ];
  return lower.every((below) => realpathSync(`/sys/class/net/${below}`).includes('/virtual/'));
}

/** The places to listen on now. Cheap enough to be asked again every few seconds. */
export function localPlaces(families: ReadonlySet<4 | 6>): ListenPlace[] {
  const interfaces = networkInterfaces();
  const strangers = defaultRouteInterfaces();
  const own = new Set(
    Object.values(interfaces)
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address),
  );
  const places: ListenPlace[] = [];
  for (const family of families) places.push({ address: family === 4 ? '127.0.0.1' : '::1', family, accepts: () => true });
  for (const [name, addresses = []] of Object.entries(interfaces)) {
    const first = addresses[0];
    if (first === undefined || first.internal || strangers.has(name) || !isVirtual(name, first.mac)) continue;
    const subnets = addresses.map(({ cidr }) => parseInterfaceAddress(cidr ?? '')?.cidr).filter((cidr) => cidr !== undefined);
    const inside = createIpMatcher(subnets);
    const accepts = (source: string) => {
      const bare = source.replace(/%.*$/, '');
      return own.has(bare) || inside(bare);
    };
    for (const { address, family: text, scopeid } of addresses as { address: string; family: string; scopeid?: number }[]) {
      const family = text === 'IPv6' ? 6 : 4;
      if (families.has(family)) places.push({ address: scopeid ? `${address}%${name}` : address, family, accepts });
    }
  }
  return places;
}

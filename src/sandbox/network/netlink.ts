/** Links, addresses and routes by rtnetlink(7): a pod costs a few calls instead of a few processes. Synchronous, since the kernel answers at once. */
import type { Libc } from '../node/runtime/libc.ts';

const AF_NETLINK = 16;
const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const RTM = { NEWLINK: 16, DELLINK: 17, NEWADDR: 20, NEWROUTE: 24 } as const;
const FLAG = { REQUEST: 1, ACK: 4, REPLACE: 0x100, EXCLUSIVE: 0x200, CREATE: 0x400 } as const;
const IFLA = { ADDRESS: 1, IFNAME: 3, MASTER: 10, LINKINFO: 18, NET_NS_FD: 28 } as const;
const LINKINFO = { KIND: 1, DATA: 2 } as const;
const VETH_PEER = 1;
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PREFSRC: 7 } as const;
const NLMSG_ERROR = 2;
const IFF_UP = 1;
const IFA_F_NOPREFIXROUTE = 0x200;
const MAIN_TABLE = 254;
const PROTOCOL_STATIC = 4;
const SCOPE = { universe: 0, link: 253 } as const;
const UNICAST = 1;
const ANSWER_SIZE = 8192;
const EEXIST = 17;

/** The kernel refused; `errno` says why. */
export class NetlinkError extends Error {
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`${what}: errno ${errno}`);
    this.name = 'NetlinkError';
    this.errno = errno;
  }
}

export interface Route {
  /** Address with prefix; absent: the default route. */
  to?: string;
  via?: string;
  /** Index of the link. */
  link: number;
  source?: string;
}

/** Acts on the network namespace in which it was made, whatever the thread does later. */
export interface Netlink {
  addBridge(name: string, mac: string): void;
  /** A pair of links: one here, the other as link 2 of another namespace. */
  addPair(name: string, peer: string, peerNamespace: number): void;
  removeLink(name: string): void;
  /** Link 1 is the loopback. */
  up(link: number): void;
  down(link: number): void;
  /** As a port of a bridge. */
  enslave(link: number, bridge: number): void;
  /** `10.0.0.1/24`. With `bare` no route comes with it. One that is there already is no failure. */
  addAddress(link: number, address: string, options?: { bare?: boolean }): void;
  addRoute(route: Route): void;
  close(): void;
}

export function openNetlink(libc: Libc): Netlink {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new NetlinkError('open netlink', libc.errno());
  const answer = new Uint8Array(ANSWER_SIZE);
  let sequence = 1;

  function request(what: string, type: number, flags: number, body: Buffer): void {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(16 + body.length, 0);
    header.writeUInt16LE(type, 4);
    header.writeUInt16LE(flags | FLAG.REQUEST | FLAG.ACK, 6);
    header.writeUInt32LE(sequence++, 8);
    const message = Buffer.concat([header, body]);
    if (libc.send(fd, message, message.length, 0) < 0) throw new NetlinkError(what, libc.errno());
    const size = libc.recv(fd, answer, ANSWER_SIZE, 0);
    if (size < 20) throw new NetlinkError(what, libc.errno());
    const view = Buffer.from(answer.buffer, 0, size);
    if (view.readUInt16LE(4) !== NLMSG_ERROR) throw new Error(`${what}: the kernel's answer is of type ${view.readUInt16LE(4)}`);
    const code = -view.readInt32LE(16);
    if (code !== 0) throw new NetlinkError(what, code);
  }

  return {
    addBridge(name, mac) {
      const info = attribute(IFLA.LINKINFO, attribute(LINKINFO.KIND, Buffer.from('bridge')));
      const address = attribute(IFLA.ADDRESS, Buffer.from(mac.split(':').map((byte) => Number.parseInt(byte, 16))));
      request(`add bridge ${name}`, RTM.NEWLINK, FLAG.CREATE | FLAG.EXCLUSIVE, Buffer.concat([link(0), nameOf(name), address, info]));
    },
    addPair(name, peer, peerNamespace) {
      const other = Buffer.concat([link(2), nameOf(peer), attribute(IFLA.NET_NS_FD, number(peerNamespace))]);
      const data = attribute(LINKINFO.DATA, attribute(VETH_PEER, other));
      const info = attribute(IFLA.LINKINFO, Buffer.concat([attribute(LINKINFO.KIND, Buffer.from('veth')), data]));
      request(`add ${name}`, RTM.NEWLINK, FLAG.CREATE | FLAG.EXCLUSIVE, Buffer.concat([link(0), nameOf(name), info]));
    },
    removeLink: (name) => request(`remove ${name}`, RTM.DELLINK, 0, Buffer.concat([link(0), nameOf(name)])),
    up: (index) => request(`set link ${index} up`, RTM.NEWLINK, 0, link(index, IFF_UP, IFF_UP)),
    down: (index) => request(`set link ${index} down`, RTM.NEWLINK, 0, link(index, 0, IFF_UP)),
    enslave: (index, bridge) => request(`put link ${index} on a bridge`, RTM.NEWLINK, 0, Buffer.concat([link(index), attribute(IFLA.MASTER, number(bridge))])),
    addAddress(index, address, { bare = false } = {}) {
      const [ip = '', prefix = '32'] = address.split('/');
      const body = Buffer.alloc(8);
      body.writeUInt8(AF_INET, 0);
      body.writeUInt8(Number(prefix), 1);
      body.writeUInt32LE(index, 4);
      const attributes = [attribute(IFA.LOCAL, bytesOf(ip)), attribute(IFA.ADDRESS, bytesOf(ip))];
      if (bare) attributes.push(attribute(IFA.FLAGS, number(IFA_F_NOPREFIXROUTE)));
      try {
        request(`add address ${address}`, RTM.NEWADDR, FLAG.CREATE | FLAG.EXCLUSIVE, Buffer.concat([body, ...attributes]));
      } catch (error) {
        if (!(error instanceof NetlinkError && error.errno === EEXIST)) throw error;
      }
    },
    addRoute({ to, via, link: index, source }) {
      const [ip, prefix = '32'] = to === undefined ? [undefined, '0'] : to.split('/');
      const scope = via === undefined ? SCOPE.link : SCOPE.universe;
      const body = Buffer.from([AF_INET, Number(prefix), 0, 0, MAIN_TABLE, PROTOCOL_STATIC, scope, UNICAST, 0, 0, 0, 0]);
      const attributes = [attribute(RTA.OIF, number(index))];
      if (ip !== undefined) attributes.push(attribute(RTA.DST, bytesOf(ip)));
      if (via !== undefined) attributes.push(attribute(RTA.GATEWAY, bytesOf(via)));
      if (source !== undefined) attributes.push(attribute(RTA.PREFSRC, bytesOf(source)));
      request(`add route ${to ?? 'default'}`, RTM.NEWROUTE, FLAG.CREATE | FLAG.REPLACE, Buffer.concat([body, ...attributes]));
    },
    close: () => void libc.close(fd),
  };
}

function link(index: number, flags = 0, change = 0): Buffer {
  const body = Buffer.alloc(16);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(flags, 8);
  body.writeUInt32LE(change, 12);
  return body;
}

function attribute(type: number, value: Buffer): Buffer {
  const size = 4 + value.length;
  const out = Buffer.alloc((size + 3) & ~3);
  out.writeUInt16LE(size, 0);
  out.writeUInt16LE(type, 2);
  value.copy(out, 4);
  return out;
}

const nameOf = (name: string): Buffer => attribute(IFLA.IFNAME, Buffer.from(`${name}\0`));

function number(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value, 0);
  return out;
}

const bytesOf = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));

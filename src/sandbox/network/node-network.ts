/**
 * The node's network: the bridge with the workstations, and a pair of links for each pod. Pods are routed, not bridged, so that every packet
 * of theirs passes the node's rules: the answer of a service's pod to a pod of the same node must come back through the translation.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { sleep } from '../../base/retry.ts';
import { SANDBOX_NETWORK } from '../contract.ts';
import { LINUX, type Libc } from '../node/runtime/libc.ts';
import { createAddressPool } from './address-pool.ts';
import { DIAL_POLL_MS, DIAL_TIMEOUT_MS } from './limits.ts';
import { inNetwork, openNetlink, returnTo } from './netlink.ts';

/** Pods see the node under this address, as they do behind a bridge. */
const POD_GATEWAY = '10.244.0.1';
/** Where the cluster DNS listens; kube-dns has it as its endpoint. */
export const DNS_ENDPOINT = '10.244.0.2';
const FIRST_POD = 3;
const LAST_WORKSTATION = 253;
/** A bridge takes the lowest address of its ports otherwise, and its neighbours lose it whenever a port comes. */
const BRIDGE_MAC = '02:00:c6:12:00:01';
const BRIDGE = 'lab';
const NOWHERE = '198.18.0.254';

export interface PodNetwork {
  readonly ip: string;
  /** The network namespace, as a path that other processes of the sandbox can open. */
  readonly path: string;
  /** A connection to `127.0.0.1:port` in there. */
  dial(port: number): Promise<Duplex>;
  release(): void;
}

export interface Workstation {
  readonly ip: string;
  readonly path: string;
  /** The node's end of its cable. */
  readonly link: string;
}

export interface NodeNetwork {
  /** @param podCidr of its node */
  addPod(podCidr: string): PodNetwork;
  /** Made at the first call for a name. */
  workstation(name: string): Workstation;
  /** Takes its link away. The namespace ends with what runs there. */
  forgetWorkstation(name: string): boolean;
  /** Pulls the cable of a workstation, or puts it back. */
  plug(name: string, connected: boolean): boolean;
  /** The node's own network, for pods with `hostNetwork`. */
  dialNode(port: number): Promise<Duplex>;
}

/** Sets up the network namespace in which this process lives. */
export function createNodeNetwork(libc: Libc, nodes: readonly { ip: string; podCidr: string }[]): NodeNetwork {
  const own = openSync('/proc/thread-self/ns/net', 'r');
  const node = openNetlink(libc);
  node.up(1);
  node.addBridge(BRIDGE, BRIDGE_MAC);
  const bridge = libc.indexOf(BRIDGE);
  node.up(bridge);
  for (const address of [...nodes.map(({ ip }) => ip), SANDBOX_NETWORK.outsideDns]) node.addAddress(bridge, `${address}/24`);
  for (const address of [POD_GATEWAY, DNS_ENDPOINT]) node.addAddress(1, `${address}/32`);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  // For what the node itself sends to services; the rules rewrite the target.
  node.addRoute({ to: SANDBOX_NETWORK.services, link: bridge, source: SANDBOX_NETWORK.node });
  const pools = new Map(
    nodes.map(({ podCidr }, index) => {
      const [base = ''] = podCidr.split('/');
      // one node alone takes more where its own subnet is not enough
      return [podCidr, createAddressPool(base, index === 0 ? FIRST_POD : 2, nodes.length === 1 ? 65_534 : 510)] as const;
    }),
  );
  const workstations = new Map<string, Workstation & { namespace: number }>();
  const desks = createAddressPool('198.18.0.0', Number(SANDBOX_NETWORK.firstWorkstation.split('.')[3]), LAST_WORKSTATION);
  let nextLink = 0;

  function newNamespace(): number {
    if (libc.unshare(LINUX.CLONE_NEWNET) < 0) throw new Error(`no new network namespace: errno ${libc.errno()}`);
    try {
      return openSync('/proc/thread-self/ns/net', 'r');
    } finally {
      returnTo(libc, own);
    }
  }

  /** Connects a new namespace by a pair of links: link 2 in there. */
  function attach(name: string, ip: string, gateway: string, bare: boolean): { namespace: number; link: number } {
    const namespace = newNamespace();
    try {
      node.addPair(name, 'eth0', namespace);
      const link = libc.indexOf(name);
      node.up(link);
      const inside = inNetwork(libc, namespace, own, () => openNetlink(libc));
      try {
        inside.up(1);
        inside.addAddress(2, `${ip}/24`, { bare });
        inside.up(2);
        if (bare) inside.addRoute({ to: `${gateway}/32`, link: 2 });
        inside.addRoute({ via: gateway, link: 2 });
      } finally {
        inside.close();
      }
      return { namespace, link };
    } catch (error) {
      closeSync(namespace);
      throw error;
    }
  }

  return {
    addPod(podCidr) {
      const pods = pools.get(podCidr);
      if (pods === undefined) throw new Error(`no node has ${podCidr}`);
      const ip = pods.take();
      const name = `pod${nextLink++}`;
      let attached: { namespace: number; link: number };
      try {
        attached = attach(name, ip, POD_GATEWAY, true);
      } catch (error) {
        pods.release(ip);
        throw error;
      }
      const { namespace, link } = attached;
      node.addRoute({ to: `${ip}/32`, link, source: POD_GATEWAY });
      let released = false;
      return {
        ip,
        path: `/proc/${process.pid}/fd/${namespace}`,
        dial: (port) => dialIn(libc, namespace, own, port),
        release() {
          if (released) return;
          released = true;
          node.removeLink(name);
          closeSync(namespace);
          pods.release(ip);
        },
      };
    },
    workstation(name) {
      const known = workstations.get(name);
      if (known !== undefined) return known;
      const ip = desks.take();
      const link = `lab-${ip.split('.')[3]}`;
      const attached = attach(link, ip, NOWHERE, false);
      node.enslave(attached.link, bridge);
      const made = { ip, path: `/proc/${process.pid}/fd/${attached.namespace}`, link, namespace: attached.namespace };
      workstations.set(name, made);
      return made;
    },
    forgetWorkstation(name) {
      const known = workstations.get(name);
      if (known === undefined) return false;
      workstations.delete(name);
      node.removeLink(known.link);
      closeSync(known.namespace);
      desks.release(known.ip);
      return true;
    },
    plug(name, connected) {
      const known = workstations.get(name);
      if (known === undefined) return false;
      const link = libc.indexOf(known.link);
      if (connected) node.up(link);
      else node.down(link);
      return true;
    },
    dialNode: (port) => settled(connect({ host: '127.0.0.1', port, allowHalfOpen: true })),
  };
}

const AF_INET = 2;
const STREAM = 1 | 0o4000 | 0o2000000; // SOCK_STREAM, non-blocking, closed at exec
const ERRNO = { CONNECTED: 106, REFUSED: 111, ALREADY: 114, IN_PROGRESS: 115 } as const;

/** A socket belongs to the namespace in which it was made, whoever connects it. */
async function dialIn(libc: Libc, namespace: number, own: number, port: number): Promise<Duplex> {
  const fd = inNetwork(libc, namespace, own, () => libc.socket(AF_INET, STREAM, 0));
  if (fd < 0) throw new Error(`no socket: errno ${libc.errno()}`);
  const address = Buffer.from([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  const deadline = Date.now() + DIAL_TIMEOUT_MS;
  // The loopback answers at once, but for a server whose queue is full.
  while (libc.connect(fd, address, address.length) < 0) {
    const errno = libc.errno();
    if (errno === ERRNO.CONNECTED) break;
    if ((errno === ERRNO.IN_PROGRESS || errno === ERRNO.ALREADY) && Date.now() < deadline) {
      await sleep(DIAL_POLL_MS);
      continue;
    }
    libc.close(fd);
    if (errno === ERRNO.REFUSED) throw Object.assign(new Error(`connect to 127.0.0.1:${port}: connection refused`), { code: 'ECONNREFUSED' });
    throw new Error(`connect to 127.0.0.1:${port}: errno ${errno}`);
  }
  return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
}

/** Resolves with the socket when it is connected. */
export function settled(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${DIAL_TIMEOUT_MS / 1000} s`)), DIAL_TIMEOUT_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

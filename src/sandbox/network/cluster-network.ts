/**
 * The network of a sandbox: a bridge, to which its nodes and its workstations are plugged. The first node is where this process lives, and
 * has the bridge; each further one has a namespace of its own. Nodes reach each other's pods by routes over each other's addresses.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { SANDBOX_NETWORK } from '../contract.ts';
import type { Libc } from '../node/runtime/libc.ts';
import { createAddressPool } from './address-pool.ts';
import { FAR_END, type Place, placeIn, plugIn } from './link.ts';
import { type NetworkNamespace, openNamespaces } from './namespaces.ts';
import { createNodeNetwork, type NodeNetwork, type NodePlace } from './node-network.ts';

/** Where the cluster DNS listens, on the first node; kube-dns has it as its endpoint. */
export const DNS_ENDPOINT = '10.244.0.2';
/** Numbers within a node's subnet: the first node has the cluster DNS among its own, and alone takes more where its subnet is not enough. */
const PODS = { first: { besideDns: 3, other: 2 }, last: { alone: 65_534, ofSeveral: 510 } } as const;
const LAST_WORKSTATION = 253;
/** A bridge takes the lowest address of its ports otherwise, and its neighbours lose it whenever a port comes. */
const BRIDGE_MAC = '02:00:c6:12:00:01';
const BRIDGE = 'lab';
/** Rules of the first node are not for what its bridge carries for others. Not there where the kernel has no such rules. */
const BRIDGED_PACKETS_MEET_RULES = '/proc/sys/net/bridge/bridge-nf-call-iptables';
const NOWHERE = '198.18.0.254';

export interface Workstation {
  readonly ip: string;
  readonly path: string;
  /** The node's end of its cable. */
  readonly link: string;
}

export interface ClusterNetwork {
  /** Of the API server and of the first node. */
  readonly own: NetworkNamespace;
  /** @throws for a name that no node has */
  node(name: string): NodeNetwork;
  /** Made at the first call for a name. */
  workstation(name: string): Workstation;
  /** Takes its link away. The namespace ends with what runs there. */
  forgetWorkstation(name: string): boolean;
  /** Pulls the cable of a workstation, or puts it back. */
  plug(name: string, connected: boolean): boolean;
}

/** Sets up the network namespace in which this process lives. */
export function createClusterNetwork(libc: Libc, nodes: readonly NodePlace[]): ClusterNetwork {
  const namespaces = openNamespaces(libc);
  const here = placeIn(libc, namespaces.own);
  here.netlink.addBridge(BRIDGE, BRIDGE_MAC);
  const bridge = libc.indexOf(BRIDGE);
  here.netlink.up(bridge);
  if (existsSync(BRIDGED_PACKETS_MEET_RULES)) writeFileSync(BRIDGED_PACKETS_MEET_RULES, '0');

  /** A place on the bridge. */
  function plugToBridge(name: string, there: Place, ip: string): void {
    const link = plugIn(libc, here, name, there.netlink, there.namespace, `${ip}/24`, { bare: false });
    here.netlink.enslave(link, bridge);
  }

  function createNode(node: NodePlace, index: number): NodeNetwork {
    const others = nodes.filter((other) => other !== node);
    const last = nodes.length === 1 ? PODS.last.alone : PODS.last.ofSeveral;
    if (index === 0) {
      // the first of a link's addresses is that under which it is seen
      for (const ip of [node.ip, SANDBOX_NETWORK.outsideDns]) here.netlink.addAddress(bridge, `${ip}/24`);
      here.netlink.addAddress(1, `${DNS_ENDPOINT}/32`);
      return createNodeNetwork(libc, namespaces, { place: here, node, uplink: bridge, others, pods: { first: PODS.first.besideDns, last } });
    }
    const place = placeIn(libc, namespaces.make());
    plugToBridge(node.name, place, node.ip);
    return createNodeNetwork(libc, namespaces, { place, node, uplink: FAR_END, others, pods: { first: PODS.first.other, last } });
  }

  const networks = new Map(nodes.map((node, index) => [node.name, createNode(node, index)] as const));
  const workstations = new Map<string, Workstation & { namespace: NetworkNamespace }>();
  const desks = createAddressPool('198.18.0.0', Number(SANDBOX_NETWORK.firstWorkstation.split('.')[3]), LAST_WORKSTATION);

  return {
    own: namespaces.own,
    node(name) {
      const network = networks.get(name);
      if (network === undefined) throw new Error(`no node ${name}`);
      return network;
    },
    workstation(name) {
      const known = workstations.get(name);
      if (known !== undefined) return known;
      const ip = desks.take();
      const link = `lab-${ip.split('.')[3]}`;
      const namespace = namespaces.make();
      const place = placeIn(libc, namespace);
      try {
        plugToBridge(link, place, ip);
        place.netlink.addRoute({ via: NOWHERE, link: FAR_END });
      } catch (error) {
        desks.release(ip);
        namespace.close();
        throw error;
      } finally {
        place.netlink.close();
      }
      const made = { ip, path: namespace.path, link, namespace };
      workstations.set(name, made);
      return made;
    },
    forgetWorkstation(name) {
      const known = workstations.get(name);
      if (known === undefined) return false;
      workstations.delete(name);
      here.netlink.removeLink(known.link);
      known.namespace.close();
      desks.release(known.ip);
      return true;
    },
    plug(name, connected) {
      const known = workstations.get(name);
      if (known === undefined) return false;
      const link = libc.indexOf(known.link);
      if (connected) here.netlink.up(link);
      else here.netlink.down(link);
      return true;
    },
  };
}

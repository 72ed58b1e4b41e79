/**
 * The network of one node: its own namespace, and a pair of links for each pod of its. Pods are routed, not bridged, so that every packet
 * of theirs passes the node's rules: the answer of a service's pod to a pod of the same node must come back through the translation.
 */
import { writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { SANDBOX_NETWORK } from '../contract.ts';
import type { Libc } from '../node/runtime/libc.ts';
import { createAddressPool } from './address-pool.ts';
import { FAR_END, type Place, placeIn, plugIn } from './link.ts';
import type { Namespaces, NetworkNamespace } from './namespaces.ts';

/** Where a node is, and its pods. */
export interface NodePlace {
  name: string;
  ip: string;
  podCidr: string;
}

export interface PodNetwork {
  readonly ip: string;
  /** The network namespace, as a path that other processes of the sandbox can open. */
  readonly path: string;
  /** A connection to `127.0.0.1:port` in there. */
  dial(port: number): Promise<Duplex>;
  release(): void;
}

export interface NodeNetwork {
  /** Its own, for pods with `hostNetwork`, and from which it asks its pods. */
  readonly namespace: NetworkNamespace;
  addPod(): PodNetwork;
}

export interface NodeNetworkOptions {
  /** With a link that has the node's address already. */
  place: Place;
  node: NodePlace;
  /** The number of that link. */
  uplink: number;
  others: readonly NodePlace[];
  /** The numbers within its subnet that pods may have. */
  pods: { first: number; last: number };
}

export function createNodeNetwork(libc: Libc, namespaces: Namespaces, { place, node, uplink, others, pods: range }: NodeNetworkOptions): NodeNetwork {
  const { namespace, netlink } = place;
  const gateway = gatewayOf(node);
  netlink.up(1);
  netlink.addAddress(1, `${gateway}/32`);
  namespace.within(() => writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
  for (const other of others) netlink.addRoute({ to: other.podCidr, via: other.ip, link: uplink });
  // For what the node itself sends to services; the rules rewrite the target.
  netlink.addRoute({ to: SANDBOX_NETWORK.services, link: uplink, source: node.ip });
  const addresses = createAddressPool(baseOf(node), range.first, range.last);
  let nextLink = 0;

  /** Connects a new namespace by a pair of links. */
  function attach(name: string, ip: string): NetworkNamespace {
    const pod = namespaces.make();
    try {
      const inside = placeIn(libc, pod).netlink;
      try {
        const link = plugIn(libc, place, name, inside, pod, `${ip}/24`, { bare: true });
        inside.addRoute({ to: `${gateway}/32`, link: FAR_END });
        inside.addRoute({ via: gateway, link: FAR_END });
        netlink.addRoute({ to: `${ip}/32`, link, source: gateway });
      } finally {
        inside.close();
      }
      return pod;
    } catch (error) {
      pod.close();
      throw error;
    }
  }

  return {
    namespace,
    addPod() {
      const ip = addresses.take();
      const name = `pod${nextLink++}`;
      let pod: NetworkNamespace;
      try {
        pod = attach(name, ip);
      } catch (error) {
        addresses.release(ip);
        throw error;
      }
      let released = false;
      return {
        ip,
        path: pod.path,
        dial: (port) => pod.dial('127.0.0.1', port),
        release() {
          if (released) return;
          released = true;
          netlink.removeLink(name);
          pod.close();
          addresses.release(ip);
        },
      };
    },
  };
}

const baseOf = ({ podCidr }: NodePlace): string => podCidr.split('/')[0] ?? '';

/** Pods see their node under this address, as they do behind a bridge. */
const gatewayOf = (node: NodePlace): string => baseOf(node).replace(/\d+$/, '1');

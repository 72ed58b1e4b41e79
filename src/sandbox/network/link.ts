/** A cable between two network namespaces. */
import type { Libc } from '../node/runtime/libc.ts';
import type { NetworkNamespace } from './namespaces.ts';
import { type Netlink, openNetlink } from './netlink.ts';

/** Link 1 of every namespace is its loopback, this the next. */
export const FAR_END = 2;

/** A namespace with what acts on it. */
export interface Place {
  namespace: NetworkNamespace;
  netlink: Netlink;
}

export function placeIn(libc: Libc, namespace: NetworkNamespace): Place {
  return { namespace, netlink: namespace.within(() => openNetlink(libc)) };
}

/**
 * Both ends are up, and so is the far loopback.
 * @param name of its end here; the far one is `eth0`
 * @param address of the far end; with `bare` no route to its network comes with it
 * @returns the number of its end here
 */
export function plugIn(libc: Libc, here: Place, name: string, far: Netlink, there: NetworkNamespace, address: string, options: { bare: boolean }): number {
  here.netlink.addPair(name, 'eth0', there.fd);
  const link = here.namespace.within(() => libc.indexOf(name));
  here.netlink.up(link);
  far.up(1);
  far.addAddress(FAR_END, address, options);
  far.up(FAR_END);
  return link;
}

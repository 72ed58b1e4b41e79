import { SANDBOX_NETWORK } from '../contract.ts';
import type { NodeIdentity } from './context.ts';

/** At most so many have an address below those of the workstations, and pods of their own. */
export const NODES_LIMIT = 9;

/** The nodes of a sandbox. One alone is as that of the real test cluster; several have each as many addresses as it may have pods. */
export function nodeIdentities(count: number): NodeIdentity[] {
  if (count === 1) return [{ name: 'node1', ip: SANDBOX_NETWORK.node, podCidr: '10.244.0.0/24' }];
  return Array.from({ length: count }, (_, index) => ({
    name: `node${index + 1}`,
    ip: index === 0 ? SANDBOX_NETWORK.node : `198.18.0.${10 + index}`,
    podCidr: `10.244.${2 * index}.0/23`,
  }));
}

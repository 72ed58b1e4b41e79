/** How an event names a container of a pod. */
import type { Pod } from '../../controllers/core/types.ts';

/** `spec.containers{web}` */
export function partOf({ spec }: Pod, container: string): string {
  const kind = spec.initContainers?.some(({ name }) => name === container) === true ? 'initContainers' : 'containers';
  return `spec.${kind}{${container}}`;
}

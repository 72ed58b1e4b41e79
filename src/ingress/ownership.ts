/** Which Ingresses this controller serves. */
import type { Ingress, IngressClass } from './objects.ts';

/** What an IngressClass of this controller says. */
export const CONTROLLER = 'telepresence.io/sandbox-ingress';
/** How Ingresses named their class before there was a field for it. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/**
 * Those of a class of this controller, and those without a class: where a cluster has one controller, its users leave the class out, as
 * those of k3s and of kind do.
 */
export function isOurs({ metadata, spec }: Ingress, classes: readonly IngressClass[]): boolean {
  const name = spec?.ingressClassName ?? metadata.annotations?.[CLASS_ANNOTATION];
  if (name === undefined || name === '') return true;
  return classes.some((one) => one.metadata.name === name && one.spec?.controller === CONTROLLER);
}

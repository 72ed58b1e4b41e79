/** Group and plural of an object's kind, as rights name them. */
import type { KubeClient } from '../kube/index.ts';
import type { KubeObject } from './kube-object.ts';

export interface Resource {
  group: string;
  plural: string;
  namespace: string | undefined;
}

export async function resourceOf(kube: KubeClient, object: KubeObject, signal: AbortSignal | undefined): Promise<Resource> {
  const path = await kube.pathOf(object, { signal });
  const group = object.apiVersion.includes('/') ? object.apiVersion.slice(0, object.apiVersion.indexOf('/')) : '';
  return { group, plural: path.split('/').at(-2) ?? '', namespace: object.metadata.namespace };
}

/** `deployments.apps`, as kubectl writes it. */
export function fullName({ group, plural }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

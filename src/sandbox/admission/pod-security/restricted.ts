/** The checks that the level `restricted` adds, or puts in the place of those of `baseline`. */
import type { Check } from './baseline.ts';
import { allContainers, type Container, quotedList, some } from './containers.ts';

const VOLUMES = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret', 'image']);
const names = (containers: Container[]) => containers.map(({ name }) => name);
const sorted = (words: Iterable<string>) => [...new Set(words)].toSorted();

export const allowPrivilegeEscalation: Check = (spec) => {
  const which = some('container', names(allContainers(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)));
  return which === undefined ? undefined : `allowPrivilegeEscalation != false (${which} must set securityContext.allowPrivilegeEscalation=false)`;
};

export const capabilities: Check = (spec) => {
  const all = allContainers(spec);
  const keeps = all.filter(({ securityContext }) => securityContext?.capabilities?.drop?.includes('ALL') !== true);
  const added = ({ securityContext }: Container) => securityContext?.capabilities?.add?.filter((one) => one !== 'NET_BIND_SERVICE') ?? [];
  const adds = all.filter((container) => added(container).length > 0);
  const parts = [
    ...(keeps.length > 0 ? [`${some('container', names(keeps)) ?? ''} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adds.length > 0
      ? [`${some('container', names(adds)) ?? ''} must not include ${quotedList(sorted(adds.flatMap(added)))} in securityContext.capabilities.add`]
      : []),
  ];
  return parts.length === 0 ? undefined : `unrestricted capabilities (${parts.join('; ')})`;
};

export const volumeTypes: Check = ({ volumes = [] }) => {
  const kind = (volume: Record<string, unknown>) => Object.keys(volume).find((key) => key !== 'name' && volume[key] !== undefined) ?? 'unknown';
  const bad = volumes.filter((volume) => !VOLUMES.has(kind(volume)));
  if (bad.length === 0) return undefined;
  const kinds = sorted(bad.map(kind));
  return `restricted volume types (${
    some(
      'volume',
      bad.map(({ name }) => name),
    ) ?? ''
  } ${bad.length === 1 ? 'uses' : 'use'} restricted volume type${kinds.length === 1 ? '' : 's'} ${quotedList(kinds)})`;
};

export const runAsNonRoot: Check = (spec) => {
  const all = allContainers(spec);
  const own = spec.securityContext?.runAsNonRoot;
  const explicit = all.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  const unset = all.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (own === false && unset.length > 0 && explicit.length === 0) return 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)';
  if (explicit.length > 0) {
    const pod = own === false ? 'pod and ' : '';
    return `runAsNonRoot != true (${pod}${some('container', names(explicit)) ?? ''} must not set securityContext.runAsNonRoot=false)`;
  }
  if (own === true || unset.length === 0) return undefined;
  return `runAsNonRoot != true (pod or ${some('container', names(unset)) ?? ''} must set securityContext.runAsNonRoot=true)`;
};

export const runAsUser: Check = (spec) => {
  const who = allContainers(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0);
  const parts = [...(spec.securityContext?.runAsUser === 0 ? ['pod'] : []), ...(who.length > 0 ? [some('container', names(who)) ?? ''] : [])];
  return parts.length === 0 ? undefined : `runAsUser=0 (${parts.join(' and ')} must not set runAsUser=0)`;
};

export const seccomp: Check = (spec) => {
  const good = (type: string | undefined) => type === 'RuntimeDefault' || type === 'Localhost';
  const own = spec.securityContext?.seccompProfile?.type;
  const typeOf = ({ securityContext }: Container) => securityContext?.seccompProfile?.type;
  const all = allContainers(spec);
  const explicit = all.filter((container) => typeOf(container) !== undefined && !good(typeOf(container)));
  const podBad = own !== undefined && !good(own);
  if (explicit.length > 0 || podBad) {
    const parts = [...(podBad ? ['pod'] : []), ...(explicit.length > 0 ? [some('container', names(explicit)) ?? ''] : [])];
    const kinds = sorted([...(podBad ? [own] : []), ...explicit.map((container) => typeOf(container) ?? '')]);
    return `seccompProfile (${parts.join(' and ')} must not set securityContext.seccompProfile.type to ${quotedList(kinds)})`;
  }
  const unset = all.filter((container) => typeOf(container) === undefined);
  if (good(own) || unset.length === 0) return undefined;
  return `seccompProfile (pod or ${some('container', names(unset)) ?? ''} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`;
};

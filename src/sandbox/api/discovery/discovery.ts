/** What is served, told in both forms: group by group, and all at once. */
import type { JsonObject } from '../object.ts';
import type { Registry, Resource } from '../resources/registry.ts';

/** What `/apis/G/V` says of a subresource whose kind is not its resource's. */
const SUBRESOURCE_KINDS: Record<string, { group?: string; version?: string; kind: string; verbs: string[] }> = {
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
  binding: { kind: 'Binding', verbs: ['create'] },
  exec: { kind: 'PodExecOptions', verbs: ['create', 'get'] },
  attach: { kind: 'PodAttachOptions', verbs: ['create', 'get'] },
  portforward: { kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  log: { kind: 'Pod', verbs: ['get'] },
  ephemeralcontainers: { kind: 'Pod', verbs: ['get', 'patch', 'update'] },
  finalize: { kind: 'Namespace', verbs: ['update'] },
  status: { kind: '', verbs: ['get', 'patch', 'update'] },
};
const PROXY_VERBS = ['create', 'delete', 'get', 'patch', 'update'];
const PROXY_KINDS: Record<string, string> = { Pod: 'PodProxyOptions', Service: 'ServiceProxyOptions', Node: 'NodeProxyOptions' };

const subresourceOf = (resource: Resource, name: string) =>
  name === 'proxy' ? { kind: PROXY_KINDS[resource.type.kind] ?? '', verbs: PROXY_VERBS } : (SUBRESOURCE_KINDS[name] ?? { kind: '', verbs: ['get'] });

function resourcesOf(registry: Registry, group: string, version: string): Resource[] {
  return registry
    .all()
    .filter(({ type }) => type.group === group && type.version === version)
    .sort((a, b) => (a.type.plural < b.type.plural ? -1 : 1));
}

/** `APIResourceList` of a group's version; undefined when it is not served. */
export function resourceList(registry: Registry, group: string, version: string): JsonObject | undefined {
  const found = resourcesOf(registry, group, version);
  if (found.length === 0) return undefined;
  const resources = found.flatMap(({ type, ...resource }) => [
    {
      name: type.plural,
      singularName: type.singular,
      namespaced: type.namespaced,
      kind: type.kind,
      verbs: type.verbs,
      ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
      ...(type.categories.length === 0 ? {} : { categories: type.categories }),
    },
    ...[...type.subresources].sort().map((name) => {
      const { kind, verbs, ...gv } = subresourceOf({ type, ...resource }, name) as { kind: string; verbs: string[]; group?: string; version?: string };
      return { name: `${type.plural}/${name}`, singularName: '', namespaced: type.namespaced, ...gv, kind: kind === '' ? type.kind : kind, verbs };
    }),
  ]);
  return { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion: group === '' ? version : `${group}/${version}`, resources };
}

/** Groups and their versions, the preferred one first. */
export function groupsOf(registry: Registry): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { type } of registry.all()) {
    if (type.group === '') continue;
    const versions = groups.get(type.group) ?? [];
    if (!versions.includes(type.version)) versions.push(type.version);
    groups.set(type.group, versions);
  }
  for (const versions of groups.values()) versions.sort(byPreference);
  return groups;
}

/** Stable before beta before alpha, the higher number first. */
export function byPreference(a: string, b: string): number {
  const rank = (version: string): [number, number, number] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (match === null) return [3, 0, 0];
    return [match[2] === undefined ? 0 : match[2] === 'beta' ? 1 : 2, -Number(match[1]), -Number(match[3] ?? 0)];
  };
  const left = rank(a);
  const right = rank(b);
  for (let index = 0; index < 3; index++) if (left[index] !== right[index]) return (left[index] ?? 0) - (right[index] ?? 0);
  return a < b ? -1 : 1;
}

export function apiGroup(group: string, versions: string[]): JsonObject {
  const named = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { kind: 'APIGroup', apiVersion: 'v1', name: group, versions: named, preferredVersion: named[0] };
}

export function groupList(registry: Registry): JsonObject {
  const groups = [...groupsOf(registry)].map(([group, versions]) => {
    const { kind: _kind, apiVersion: _version, ...rest } = apiGroup(group, versions);
    return rest;
  });
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `APIGroupDiscoveryList`: of the core group at `/api`, of all others at `/apis`. */
export function aggregated(registry: Registry, core: boolean): JsonObject {
  const groups = core ? new Map([['', ['v1']]]) : groupsOf(registry);
  const items = [...groups].map(([group, versions]) => ({
    metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
    versions: versions.map((version) => ({ version, freshness: 'Current', resources: resourcesOf(registry, group, version).map(discovered) })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function discovered(resource: Resource): JsonObject {
  const { type } = resource;
  return {
    resource: type.plural,
    responseKind: { group: type.group, version: type.version, kind: type.kind },
    scope: type.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: type.singular,
    verbs: type.verbs,
    ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
    ...(type.categories.length === 0 ? {} : { categories: type.categories }),
    ...(type.subresources.length === 0
      ? {}
      : {
          subresources: [...type.subresources].sort().map((name) => {
            const { kind, verbs, group, version } = subresourceOf(resource, name) as { kind: string; verbs: string[]; group?: string; version?: string };
            return {
              subresource: name,
              responseKind: { group: group ?? type.group, version: version ?? type.version, kind: kind === '' ? type.kind : kind },
              verbs,
            };
          }),
        }),
  };
}

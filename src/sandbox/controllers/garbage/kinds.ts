/** Everything that can be listed and deleted: what may own, be owned, and be left in a namespace. */
import { builtInTypes } from '../../api/resources/table.ts';
import type { ControllerContext } from '../core/context.ts';
import { CRDS, type Kind, type Stored } from '../core/types.ts';

/** Events own nothing and are owned by nobody; they only go with their namespace. */
export const EVENTS: Kind = { apiVersion: 'v1', kind: 'Event', plural: 'events', namespaced: true };

/** The built-in kinds, without events. */
export function builtInKinds(): Kind[] {
  return builtInTypes()
    .filter(({ verbs, plural }) => ['list', 'watch', 'delete'].every((verb) => verbs.includes(verb)) && plural !== 'events')
    .map(({ group, version, kind, plural, namespaced }) => ({ apiVersion: group === '' ? version : `${group}/${version}`, kind, plural, namespaced }));
}

type Definition = Stored & {
  spec: { group: string; scope: string; names: { kind: string; plural: string }; versions: { name: string; served: boolean }[] };
  status?: { conditions?: { type: string; status: string }[] };
};

/** The kinds of custom resources that are served now. */
export function customKinds(context: ControllerContext): Kind[] {
  return (context.cache(CRDS).list() as Definition[]).flatMap(({ spec, status }) => {
    const version = spec.versions.find(({ served }) => served);
    const established = status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') === true;
    if (version === undefined || !established) return [];
    return [{ apiVersion: `${spec.group}/${version.name}`, kind: spec.names.kind, plural: spec.names.plural, namespaced: spec.scope === 'Namespaced' }];
  });
}

/** What a custom resource definition itself has and must have. */
import { type Cause, invalidValue, required } from '../errors.ts';
import { isObject, type JsonObject } from '../object.ts';
import type { KindRules } from '../resources/strategies.ts';
import type { Definition } from './resource.ts';

/** The store's collection of them. */
export const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';
/** Taken away when no object of the kind is left. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export const DEFINITION_RULES: KindRules = {
  defaults(object) {
    const { spec } = object as Definition;
    if (!isObject(spec) || !isObject(spec.names)) return;
    const { names } = spec;
    names.singular ??= String(names.kind ?? '').toLowerCase();
    names.listKind ??= `${names.kind}List`;
    const more = spec as unknown as JsonObject;
    more['conversion'] ??= { strategy: 'None' };
  },
  deletionFinalizer: CLEANUP_FINALIZER,
  validate(object) {
    const { spec, metadata } = object as Definition;
    if (!isObject(spec)) return [required('spec')];
    const causes: Cause[] = [];
    const { group, names, scope, versions } = spec;
    if (group === undefined || group === '') causes.push(required('spec.group'));
    if (!isObject(names)) return [...causes, required('spec.names')];
    if (scope !== 'Namespaced' && scope !== 'Cluster') causes.push(required('spec.scope'));
    if (metadata.name !== `${names.plural}.${group}`) causes.push(invalidValue('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
    if (!Array.isArray(versions) || versions.filter(({ storage }) => storage).length !== 1)
      return [...causes, invalidValue('spec.versions', versions, 'must have exactly one version marked as storage version')];
    for (const [index, { schema }] of versions.entries())
      if (!isObject(schema?.openAPIV3Schema)) causes.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'));
    return causes;
  },
};

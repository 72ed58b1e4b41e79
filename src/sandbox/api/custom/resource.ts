/** From a custom resource definition to the kinds that the server serves: one for each version. */
import type { Evaluator } from '../../admission/index.ts';
import type { Cause } from '../errors.ts';
import { type ApiObject, isObject, type JsonObject } from '../object.ts';
import type { Resource, ScalePaths } from '../resources/registry.ts';
import { strategyOf } from '../resources/strategies.ts';
import { collectionName, type StoredType } from '../resources/table.ts';
import { builtInSchema } from '../schema/built-in.ts';
import type { SchemaNode } from '../schema/node.ts';
import { applyDefaults, pruneUnknown } from '../schema/prune.ts';
import { customColumns, type PrinterColumn } from './columns.ts';
import { validateRules } from './rules.ts';
import { structuralNode, withObjectFields } from './structural.ts';
import { validateCustom } from './validate.ts';

export interface DefinitionVersion {
  name: string;
  served: boolean;
  storage: boolean;
  schema?: { openAPIV3Schema?: JsonObject };
  subresources?: { status?: object; scale?: ScalePaths };
  additionalPrinterColumns?: PrinterColumn[];
  selectableFields?: { jsonPath: string }[];
}

export interface Definition extends ApiObject {
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: { kind: string; plural: string; singular?: string; listKind?: string; shortNames?: string[]; categories?: string[] };
    versions: DefinitionVersion[];
  };
}

/** As a real server lists them of custom resources. */
const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const METADATA = builtInSchema({ group: '', version: 'v1', kind: 'ConfigMap' })?.properties?.['metadata'];

export function customResources({ spec }: Definition, evaluator: Evaluator): Resource[] {
  return spec.versions.filter(({ served }) => served).map((version) => customResource(spec, version, evaluator));
}

function customResource({ group, scope, names }: Definition['spec'], version: DefinitionVersion, evaluator: Evaluator): Resource {
  const { kind, plural, singular = kind.toLowerCase(), listKind = `${kind}List`, shortNames = [], categories = [] } = names;
  const type: StoredType = {
    group,
    version: version.name,
    plural,
    singular,
    kind,
    shortNames,
    categories,
    namespaced: scope === 'Namespaced',
    verbs: VERBS,
    subresources: ['scale', 'status'].filter((name) => version.subresources?.[name as 'scale' | 'status'] !== undefined),
    collection: collectionName(group, plural),
  };
  const openApiSchema = version.schema?.openAPIV3Schema;
  const schema = withObjectFields(isObject(openApiSchema) ? structuralNode(openApiSchema) : { type: 'object', preserve: true }, METADATA);
  return {
    type,
    listKind,
    schema,
    columns: customColumns(version.additionalPrinterColumns),
    ...(openApiSchema === undefined ? {} : { openApiSchema }),
    ...(version.subresources?.scale === undefined ? {} : { scale: version.subresources.scale }),
    strategy: {
      ...customStrategy(type, schema, evaluator),
      selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, '')),
    },
  };
}

/** Expressions take for granted what these find missing. */
const STRUCTURAL = new Set<string>(['FieldValueRequired', 'FieldValueTypeInvalid', 'FieldValueNotSupported', 'FieldValueTooLong', 'FieldValueTooMany']);
const UNCHECKED: Cause = {
  reason: 'FieldValueInvalid',
  message: 'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: '<nil>',
};

function hasRules(schema: SchemaNode | undefined): boolean {
  if (schema === undefined) return false;
  return schema.checks?.rules !== undefined || hasRules(schema.items) || hasRules(schema.additional) || Object.values(schema.properties ?? {}).some(hasRules);
}

function customStrategy(type: StoredType, schema: SchemaNode, evaluator: Evaluator): Resource['strategy'] {
  const plain = strategyOf(type, {
    defaults(object) {
      // Webhooks may add what the kind does not know.
      pruneUnknown(object, schema);
      applyDefaults(object, schema);
    },
    validate(object, { old }) {
      const causes = validateCustom(object, schema);
      if (causes.length === 0) return validateRules(evaluator, object, old, schema);
      return hasRules(schema) && causes.some(({ reason }) => STRUCTURAL.has(reason)) ? [...causes, UNCHECKED] : causes;
    },
  });
  return { ...plain, custom: true, generation: true, unconditionalUpdate: false };
}

/** The CustomResourceDefinitions of Session and Intercept, derived from the schemas that the programs themselves check with. */
import type { z } from 'zod';
import { GROUP, interceptSchema, sessionSchema } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS } from './naming.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

interface Column {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description?: string;
  /** Above 0: only with `kubectl get -o wide`. */
  priority?: number;
}

interface Definition {
  kind: string;
  plural: string;
  shortNames: string[];
  schema: z.ZodType;
  description: string;
  columns: Column[];
}

const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const SESSION: Definition = {
  kind: 'Session',
  plural: 'sessions',
  shortNames: ['tps'],
  schema: sessionSchema,
  description: 'A workstation that is connected to this cluster.',
  columns: [
    { name: 'User', type: 'string', jsonPath: '.spec.user' },
    { name: 'Workstation', type: 'string', jsonPath: '.spec.workstation.hostname' },
    { name: 'Namespace', type: 'string', jsonPath: '.spec.namespace' },
    { name: 'Replicas', type: 'string', jsonPath: '.status.replicas[*].name', description: 'Replicas of the manager that hold its tunnel.' },
    { name: 'Lost', type: 'date', jsonPath: '.status.lostAt', description: 'Since when no replica does.' },
    { name: 'Version', type: 'string', jsonPath: '.spec.workstation.version', priority: 1 },
    AGE,
  ],
};

const INTERCEPT: Definition = {
  kind: 'Intercept',
  plural: 'intercepts',
  shortNames: ['tpi'],
  schema: interceptSchema,
  description: 'A port of a workload whose traffic goes to a workstation.',
  columns: [
    { name: 'Workload', type: 'string', jsonPath: '.spec.workload.name' },
    { name: 'Port', type: 'integer', jsonPath: '.spec.port.number' },
    { name: 'Mechanism', type: 'string', jsonPath: '.spec.mechanism' },
    { name: 'User', type: 'string', jsonPath: '.spec.user' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Target', type: 'string', jsonPath: '.spec.target.host', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    AGE,
  ],
};

function openApiSchema(definition: Definition): StructuralSchema {
  const schema = structuralSchema(definition.schema);
  // The API server checks these three itself and lets a definition restrict none of them.
  const properties = { ...schema.properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
  return { type: 'object', description: definition.description, required: ['spec'], properties };
}

function definitionObject(definition: Definition): KubeObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${definition.plural}.${GROUP}`, labels: { ...COMMON_LABELS } },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural: definition.plural,
        singular: definition.kind.toLowerCase(),
        shortNames: definition.shortNames,
        categories: ['telepresence'],
      },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: openApiSchema(definition) },
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns,
        },
      ],
    },
  };
}

/** Both definitions. They do not depend on any value. */
export function customResourceDefinitions(): KubeObject[] {
  return [definitionObject(SESSION), definitionObject(INTERCEPT)];
}

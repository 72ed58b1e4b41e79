/** Label and field selectors: read from a query, matched against objects. */
import { badRequest } from '../errors.ts';
import { type ApiObject, at } from '../object.ts';

export type Predicate = (object: ApiObject) => boolean;

const KEY = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

/** Cut at commas that are not in parentheses. */
function requirements(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const letter of text) {
    if (letter === '(') depth++;
    if (letter === ')') depth--;
    if (letter === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += letter;
  }
  parts.push(part);
  return parts.map((one) => one.trim()).filter((one) => one !== '');
}

type LabelTest = (labels: Record<string, string>) => boolean;

function labelTest(requirement: string): LabelTest {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(requirement);
  const key = (text: string): string => {
    const name = text.trim();
    if (!KEY.test(name))
      throw badRequest(
        `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(name)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      );
    return name;
  };
  if (set !== null) {
    const name = key(set[1] ?? '');
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    if (set[2] === 'in') return (labels) => labels[name] !== undefined && values.includes(labels[name]);
    return (labels) => labels[name] === undefined || !values.includes(labels[name]);
  }
  const compare = /^([^=!<>\s]+)\s*(==|=|!=|>|<)\s*(.*)$/.exec(requirement);
  if (compare !== null) {
    const name = key(compare[1] ?? '');
    const value = (compare[3] ?? '').trim();
    if (!VALUE.test(value)) throw badRequest(`unable to parse requirement: found '${value}', expected: identifier`);
    if (compare[2] === '!=') return (labels) => labels[name] !== value;
    if (compare[2] === '>') return (labels) => labels[name] !== undefined && Number(labels[name]) > Number(value);
    if (compare[2] === '<') return (labels) => labels[name] !== undefined && Number(labels[name]) < Number(value);
    return (labels) => labels[name] === value;
  }
  if (requirement.startsWith('!')) {
    const name = key(requirement.slice(1));
    return (labels) => labels[name] === undefined;
  }
  const name = key(requirement);
  return (labels) => labels[name] !== undefined;
}

/** Undefined when it selects everything. @throws 400 */
export function parseLabelSelector(text: string | null | undefined): Predicate | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const tests = requirements(text).map(labelTest);
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return tests.every((test) => test(labels));
  };
}

const EVENT_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => `involvedObject.${field}`);

/** Fields that each kind can be selected by, beside `metadata.name` and `metadata.namespace`. */
const FIELDS: Record<string, string[]> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  events: [...EVENT_FIELDS, 'reason', 'reportingComponent', 'source', 'type'],
  'events.events.k8s.io': ['reason', 'regarding.kind', 'regarding.namespace', 'regarding.name', 'regarding.uid', 'reportingController', 'type'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  replicationcontrollers: ['status.replicas'],
  'replicasets.apps': ['status.replicas'],
  'jobs.batch': ['status.successful'],
};

const ALIASES: Record<string, string[]> = {
  source: ['source', 'component'],
  'status.successful': ['status', 'succeeded'],
  'spec.hostNetwork': ['spec', 'hostNetwork'],
};

function fieldOf(object: ApiObject, field: string): string {
  const value = at(object, ...(ALIASES[field] ?? field.split('.')));
  if (value === undefined || value === null) {
    if (field === 'spec.hostNetwork' || field === 'spec.unschedulable') return 'false';
    return field === 'status.replicas' || field === 'status.successful' ? '0' : '';
  }
  return typeof value === 'string' ? value : typeof value === 'object' ? '' : String(value as number | boolean);
}

export interface FieldSelector {
  matches: Predicate;
  /** When it asks for one object by its name: the object's path for the authorizer, and a shorter way to it. */
  name: string | undefined;
}

/**
 * @param collection `deployments.apps`
 * @param more fields that a custom resource's definition names.
 * @throws 400 for a field that the kind can't be selected by.
 */
export function parseFieldSelector(text: string | null | undefined, collection: string, more: string[] = []): FieldSelector | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const known = ['metadata.name', 'metadata.namespace', ...(FIELDS[collection] ?? []), ...more];
  let name: string | undefined;
  const tests = requirements(text).map((requirement): Predicate => {
    const match = /^(.+?)(==|!=|=)(.*)$/.exec(requirement);
    if (match === null) throw badRequest(`invalid selector: '${requirement}'; can't understand '${requirement}'`);
    const [, field = '', operator, value = ''] = match;
    if (!known.includes(field)) {
      const sentence =
        FIELDS[collection] === undefined
          ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
          : `field label not supported: ${field}`;
      throw badRequest(sentence);
    }
    if (field === 'metadata.name' && operator !== '!=') name = value;
    return operator === '!=' ? (object) => fieldOf(object, field) !== value : (object) => fieldOf(object, field) === value;
  });
  return { matches: (object) => tests.every((test) => test(object)), name };
}

/** Both, or undefined when everything is asked for. */
export function both(one: Predicate | undefined, other: Predicate | undefined): Predicate | undefined {
  if (one === undefined) return other;
  if (other === undefined) return one;
  return (object) => one(object) && other(object);
}

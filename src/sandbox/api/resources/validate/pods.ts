/** What a pod's spec must be, in a template as in a pod. */
import { type Cause, duplicate, forbiddenField, invalidValue, notFoundValue, required, unsupported } from '../../errors.ts';
import { isObject, type JsonObject } from '../../object.ts';
import { quantityValue } from '../../schema/quantity.ts';
import { nameCauses } from '../../write/names.ts';
import { items } from '../defaults/fill.ts';

export const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ENVIRONMENT_NAME = /^[ -<>-~]+$/;
const LAST_PORT = 65_535;

/** @param restartPolicies that may be said here: all, or what a workload allows; undefined for that of Jobs, which end. */
export function podSpecCauses(spec: JsonObject, field: string, restartPolicies: string[] | undefined): Cause[] {
  const volumes = new Set<unknown>();
  const causes: Cause[] = volumeCauses(spec, `${field}.volumes`, volumes);
  const names = new Set<unknown>();
  const containers = items(spec, 'containers');
  if (containers.length === 0) causes.push(required(`${field}.containers`));
  for (const key of ['containers', 'initContainers'])
    for (const [index, container] of items(spec, key).entries()) causes.push(...containerCauses(container, `${field}.${key}[${index}]`, names, volumes));
  causes.push(
    ...restartCauses(`${field}.restartPolicy`, spec['restartPolicy'], restartPolicies),
    ...oneOf(`${field}.dnsPolicy`, spec['dnsPolicy'], DNS_POLICIES),
  );
  return causes;
}

function restartCauses(field: string, policy: unknown, allowed: string[] | undefined): Cause[] {
  if (allowed !== undefined) return oneOf(field, policy, allowed);
  return policy === 'OnFailure' || policy === 'Never' ? [] : [required(field, 'valid values: "OnFailure", "Never"')];
}

export function oneOf(field: string, value: unknown, values: string[]): Cause[] {
  return value === undefined || values.includes(value as string) ? [] : [unsupported(field, value, values)];
}

export function portCauses(field: string, port: unknown): Cause[] {
  const well = Number.isInteger(port) && (port as number) >= 1 && (port as number) <= LAST_PORT;
  return well ? [] : [invalidValue(field, port, `must be between 1 and ${LAST_PORT}, inclusive`)];
}

function volumeCauses(spec: JsonObject, field: string, names: Set<unknown>): Cause[] {
  const causes: Cause[] = [];
  for (const [index, { name, ...sources }] of items(spec, 'volumes').entries()) {
    const at = `${field}[${index}]`;
    const [, ...more] = Object.keys(sources);
    for (const source of more) causes.push(forbiddenField(`${at}.${source}`, 'may not specify more than 1 volume type'));
    if (typeof name !== 'string' || name === '') causes.push(required(`${at}.name`));
    else {
      causes.push(...nameCauses(`${at}.name`, name, 'label'));
      if (names.has(name)) causes.push(duplicate(`${at}.name`, name));
    }
    names.add(name);
  }
  return causes;
}

function containerCauses(container: JsonObject, field: string, names: Set<unknown>, volumes: ReadonlySet<unknown>): Cause[] {
  const causes: Cause[] = [];
  const { name, image, imagePullPolicy } = container;
  if (typeof name !== 'string' || name === '') causes.push(required(`${field}.name`));
  else {
    causes.push(...nameCauses(`${field}.name`, name, 'label'));
    if (names.has(name)) causes.push(duplicate(`${field}.name`, name));
    names.add(name);
  }
  if (typeof image !== 'string' || image === '') causes.push(required(`${field}.image`));
  causes.push(...oneOf(`${field}.imagePullPolicy`, imagePullPolicy, PULL_POLICIES));
  const ports = new Set<unknown>();
  for (const [index, port] of items(container, 'ports').entries()) {
    const at = `${field}.ports[${index}]`;
    if (port['name'] !== undefined) {
      if (ports.has(port['name'])) causes.push(duplicate(`${at}.name`, port['name']));
      ports.add(port['name']);
    }
    const number = port['containerPort'] ?? 0;
    if (number === 0) causes.push(required(`${at}.containerPort`));
    else causes.push(...portCauses(`${at}.containerPort`, number));
    causes.push(...oneOf(`${at}.protocol`, port['protocol'], PROTOCOLS));
  }
  for (const [index, variable] of items(container, 'env').entries()) {
    const at = `${field}.env[${index}].name`;
    if (typeof variable['name'] !== 'string' || variable['name'] === '') causes.push(required(at));
    else if (!ENVIRONMENT_NAME.test(variable['name']))
      causes.push(invalidValue(at, variable['name'], "a valid environment variable name must consist only of printable ASCII characters other than '='"));
  }
  for (const [index, mount] of items(container, 'volumeMounts').entries()) {
    const at = `${field}.volumeMounts[${index}]`;
    if (!volumes.has(mount['name'])) causes.push(notFoundValue(`${at}.name`, mount['name']));
    if (typeof mount['mountPath'] !== 'string' || mount['mountPath'] === '') causes.push(required(`${at}.mountPath`));
  }
  return [...causes, ...resourceCauses(container, `${field}.resources`)];
}

function resourceCauses(container: JsonObject, field: string): Cause[] {
  const resources = isObject(container['resources']) ? container['resources'] : {};
  const limits = isObject(resources['limits']) ? resources['limits'] : {};
  const requests = isObject(resources['requests']) ? resources['requests'] : {};
  return Object.entries(requests).flatMap(([name, request]) => {
    const limit = limits[name];
    if (limit === undefined || (quantityValue(request) ?? 0) <= (quantityValue(limit) ?? 0)) return [];
    return [invalidValue(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${String(limit)}`)];
  });
}

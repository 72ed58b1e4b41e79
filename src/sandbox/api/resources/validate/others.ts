/** What Services must be, and what no client may change in config maps and secrets. */
import { isIPv4 } from 'node:net';
import { SANDBOX_NETWORK } from '../../../contract.ts';
import { NODE_PORT_FIRST, NODE_PORT_LAST } from '../../../network/limits.ts';
import { type Cause, forbiddenField, invalidValue, required } from '../../errors.ts';
import { type ApiObject, equal, isObject, type JsonObject } from '../../object.ts';
import { items } from '../defaults/fill.ts';
import { oneOf, portCauses } from './pods.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

export function serviceCauses(object: ApiObject): Cause[] {
  const spec = isObject(object['spec']) ? object['spec'] : {};
  const { type, clusterIP, externalName } = spec;
  const ports = items(spec, 'ports');
  const causes: Cause[] = [];
  if (ports.length === 0 && type !== 'ExternalName' && clusterIP !== 'None') causes.push(required('spec.ports'));
  if (type === 'ExternalName' && (externalName === undefined || externalName === '')) causes.push(required('spec.externalName'));
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (ports.length > 1 && (port['name'] === undefined || port['name'] === '')) causes.push(required(`${at}.name`));
    causes.push(...portCauses(`${at}.port`, port['port']), ...oneOf(`${at}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']));
    if (typeof port['targetPort'] === 'number') causes.push(...portCauses(`${at}.targetPort`, port['targetPort']));
  }
  causes.push(...oneOf('spec.type', type, TYPES));
  if (causes.length === 0) causes.push(...nodePortCauses(ports));
  if (causes.length === 0 && typeof clusterIP === 'string' && isIPv4(clusterIP) && !within(clusterIP)) {
    const why = `failed to allocate IP ${clusterIP}: the provided IP (${clusterIP}) is not in the valid range. The range of valid IPs is ${SANDBOX_NETWORK.services}`;
    causes.push(invalidValue('spec.clusterIPs', [clusterIP], why));
  }
  return causes;
}

function nodePortCauses(ports: JsonObject[]): Cause[] {
  return ports.flatMap(({ nodePort = 0 }, index) => {
    if (nodePort === 0 || ((nodePort as number) >= NODE_PORT_FIRST && (nodePort as number) <= NODE_PORT_LAST)) return [];
    const why = `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_FIRST}-${NODE_PORT_LAST}`;
    return [invalidValue(`spec.ports[${index}].nodePort`, nodePort, why)];
  });
}

/** The range ends with two whole bytes. */
function within(ip: string): boolean {
  const [a, b] = SANDBOX_NETWORK.services.split('.');
  return ip.startsWith(`${a}.${b}.`);
}

export function serviceChangeCauses(object: ApiObject, old: ApiObject): Cause[] {
  const next = isObject(object['spec']) ? object['spec'] : {};
  const before = isObject(old['spec']) ? old['spec'] : {};
  // One that had none, or had a name outside, gets its address now.
  if (next['type'] === 'ExternalName' || before['type'] === 'ExternalName' || before['clusterIP'] === undefined) return [];
  return next['clusterIP'] === before['clusterIP'] ? [] : [invalidValue('spec.clusterIPs[0]', [next['clusterIP']], 'may not change once set')];
}

const FIXED = 'field is immutable when `immutable` is set';

/** Of a config map or a secret that says of itself that it does not change. */
export function immutableCauses(object: ApiObject, old: ApiObject): Cause[] {
  if (old['immutable'] !== true) return [];
  const causes: Cause[] = [];
  if (object['immutable'] !== true) causes.push(forbiddenField('immutable', FIXED));
  for (const key of ['data', 'binaryData']) if (!equal(object[key] ?? {}, old[key] ?? {})) causes.push(forbiddenField(key, FIXED));
  return causes;
}

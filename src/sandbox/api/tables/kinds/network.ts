/** Services and what belongs to them, in tables. */
import { type ApiObject, at, isObject } from '../../object.ts';
import { age, type Column, listAt, nameColumn, selectorText, text, textAt, wide } from '../column.ts';

/** More than these are told as `+ 2 more...`. */
const SHOWN = 3;

function shortList(all: readonly string[], most: number): string {
  return all.length > most ? `${all.slice(0, most).join(',')} + ${all.length - most} more...` : all.join(',');
}

function servicePorts(service: ApiObject): string {
  const ports = listAt(service, 'spec', 'ports').map(
    ({ port, nodePort, protocol }) => `${String(port)}${typeof nodePort === 'number' && nodePort > 0 ? `:${nodePort}` : ''}/${String(protocol)}`,
  );
  return ports.length === 0 ? '<none>' : ports.join(',');
}

function externalIp(service: ApiObject): string {
  const own = at(service, 'spec', 'externalIPs');
  const external = Array.isArray(own) ? (own as string[]) : [];
  switch (textAt(service, 'spec', 'type')) {
    case 'ExternalName':
      return textAt(service, 'spec', 'externalName');
    case 'LoadBalancer': {
      const given = listAt(service, 'status', 'loadBalancer', 'ingress').map((one) => textAt(one, 'ip') || textAt(one, 'hostname'));
      return [...given, ...external].join(',') || '<pending>';
    }
    default:
      return external.join(',') || '<none>';
  }
}

function endpoints(object: ApiObject): string {
  const all: string[] = [];
  for (const subset of listAt(object, 'subsets')) {
    const addresses = listAt(subset, 'addresses').map((one) => textAt(one, 'ip'));
    const ports = listAt(subset, 'ports');
    if (ports.length === 0) all.push(...addresses);
    for (const port of ports) for (const ip of addresses) all.push(`${ip}:${textAt(port, 'port')}`);
  }
  return all.length === 0 ? '<none>' : shortList(all, SHOWN);
}

const slicePorts = (slice: ApiObject) =>
  shortList(
    listAt(slice, 'ports').map((port) => textAt(port, 'port') || '*'),
    SHOWN,
  ) || '<unset>';
const sliceAddresses = (slice: ApiObject) =>
  shortList(
    listAt(slice, 'endpoints').flatMap(({ addresses }) => (Array.isArray(addresses) ? (addresses as string[]) : [])),
    SHOWN,
  ) || '<unset>';

function hosts(ingress: ApiObject): string {
  const names = listAt(ingress, 'spec', 'rules').flatMap((rule) => textAt(rule, 'host') || []);
  return names.length === 0 ? '*' : shortList(names, SHOWN);
}

export const networkTables: Record<string, Column[]> = {
  services: [
    nameColumn,
    text('Type', (service) => textAt(service, 'spec', 'type')),
    text('Cluster-IP', (service) => textAt(service, 'spec', 'clusterIP') || '<none>'),
    text('External-IP', externalIp),
    text('Port(s)', servicePorts),
    age,
    wide('Selector', (service) => selectorText(at(service, 'spec', 'selector'))),
  ],
  endpoints: [nameColumn, text('Endpoints', endpoints), age],
  'endpointslices.discovery.k8s.io': [
    nameColumn,
    text('AddressType', (slice) => textAt(slice, 'addressType')),
    text('Ports', slicePorts),
    text('Endpoints', sliceAddresses),
    age,
  ],
  'ingresses.networking.k8s.io': [
    nameColumn,
    text('Class', (ingress) => textAt(ingress, 'spec', 'ingressClassName') || '<none>'),
    text('Hosts', hosts),
    text('Address', (ingress) =>
      listAt(ingress, 'status', 'loadBalancer', 'ingress')
        .map((one) => textAt(one, 'ip') || textAt(one, 'hostname'))
        .join(','),
    ),
    text('Ports', (ingress) => (listAt(ingress, 'spec', 'tls').length > 0 ? '80, 443' : '80')),
    age,
  ],
  'ingressclasses.networking.k8s.io': [
    nameColumn,
    text('Controller', (object) => textAt(object, 'spec', 'controller')),
    text('Parameters', (object) => {
      const parameters = at(object, 'spec', 'parameters');
      if (!isObject(parameters)) return '<none>';
      const group = textAt(parameters, 'apiGroup');
      return `${textAt(parameters, 'kind')}${group === '' ? '' : `.${group}`}/${textAt(parameters, 'name')}`;
    }),
    age,
  ],
  'networkpolicies.networking.k8s.io': [nameColumn, text('Pod-Selector', (object) => selectorText(at(object, 'spec', 'podSelector'))), age],
  'servicecidrs.networking.k8s.io': [
    nameColumn,
    text('CIDRs', (object) => {
      const cidrs = at(object, 'spec', 'cidrs');
      return Array.isArray(cidrs) ? cidrs.join(',') : '';
    }),
    age,
  ],
  'ipaddresses.networking.k8s.io': [
    nameColumn,
    text('ParentRef', (object) => {
      const ref = at(object, 'spec', 'parentRef');
      return ['resource', 'namespace', 'name']
        .map((key) => textAt(ref, key))
        .filter((word) => word !== '')
        .join('/');
    }),
  ],
};

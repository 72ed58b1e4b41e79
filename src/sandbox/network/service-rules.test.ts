/** Services as one node's rules, without a kernel. */
import { expect, it } from 'vitest';
import type { EndpointSlice, Service } from '../controllers/core/types.ts';
import { serviceRules } from './service-rules.ts';

const metadata = { name: 'web', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } };
const service = (spec: object = {}): Service =>
  ({ apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: '10.96.1.1', ports: [{ port: 80, nodePort: 30080 }], ...spec } }) as unknown as Service;
interface Place {
  ip: string;
  nodeName: string;
  conditions?: object;
}
const slice = (...places: Place[]): EndpointSlice =>
  ({
    metadata,
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: places.map(({ ip, ...rest }) => ({ addresses: [ip], conditions: { ready: true }, ...rest })),
  }) as unknown as EndpointSlice;

const ON_A: Place = { ip: '10.244.0.3', nodeName: 'a' };
const ON_B: Place = { ip: '10.244.2.3', nodeName: 'b' };
const rules = (one: Service, slices: EndpointSlice, nodeName: string): string =>
  serviceRules({ services: [one], slices: [slices], podNetwork: '10.244.0.0/16', nodeName });
const chain = (text: string, name: string): string | undefined => text.split('\n').find((line) => line.trimStart().startsWith(`chain ${name} `));
/** Where its address leads to. */
const verdict = (text: string): string | undefined => /10\.96\.1\.1 \. tcp \. 80 : (drop|goto \S+)/.exec(text)?.[1];

it('leads to pods on every node', () => {
  const text = rules(service(), slice(ON_A, ON_B), 'a');
  expect(verdict(text)).toBe('goto service-0');
  expect(chain(text, 'service-0')).toContain('mod 2 vmap { 0 : goto endpoint-0-0, 1 : goto endpoint-0-1 }');
  expect(chain(text, 'outside-0')).toContain('goto service-0');
  expect(chain(text, 'local-0')).toBeUndefined();
});

it('keeps to the pods of the node, from inside or from outside, and drops where it has none', () => {
  const inside = service({ internalTrafficPolicy: 'Local' });
  expect(verdict(rules(inside, slice(ON_A, ON_B), 'b'))).toBe('goto local-0');
  expect(chain(rules(inside, slice(ON_A, ON_B), 'b'), 'local-0')).toContain('mod 1 vmap { 0 : goto endpoint-0-1 }');
  expect(verdict(rules(inside, slice(ON_A), 'b'))).toBe('drop');
  const outside = service({ externalTrafficPolicy: 'Local' });
  const [there, elsewhere] = [rules(outside, slice(ON_A), 'a'), rules(outside, slice(ON_A), 'b')];
  expect([verdict(there), verdict(elsewhere)]).toEqual(['goto service-0', 'goto service-0']);
  expect(chain(there, 'outside-0')).toMatch(/ip saddr 10\.244\.0\.0\/16 goto service-0; fib saddr type local .* goto service-0; goto local-0; \}$/);
  expect(chain(elsewhere, 'outside-0')).toMatch(/ drop; \}$/);
});

it('leads to pods that end only where no other is left, on the node or on all', () => {
  const ending: Place = { ...ON_A, conditions: { ready: false, serving: true, terminating: true } };
  expect(chain(rules(service(), slice(ending, ON_B), 'a'), 'service-0')).toContain('mod 1 ');
  const local = rules(service({ internalTrafficPolicy: 'Local' }), slice(ending, ON_B), 'a');
  expect(chain(local, 'endpoint-0-1')).toContain('dnat to 10.244.0.3:8080');
  expect(chain(local, 'local-0')).toContain('goto endpoint-0-1');
  expect(chain(rules(service(), slice(ending), 'a'), 'service-0')).toContain('goto endpoint-0-0');
});

it('refuses what nobody serves', () => {
  const text = rules(service(), slice({ ...ON_A, conditions: { ready: false } }), 'a');
  expect(verdict(text)).toBeUndefined();
  expect(text).toContain('set service-addresses { type ipv4_addr; elements = { 10.96.1.1 }');
});

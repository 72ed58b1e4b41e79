/** Where a pod may run: the filters alone. */
import { expect, it } from 'vitest';
import type { Node, Pod } from '../../controllers/core/types.ts';
import { refusal } from './fit.ts';

const node = (name: string, labels: Record<string, string> = {}, spec: object = {}): Node =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable: { pods: '110' } },
  }) as unknown as Node;
const pod = (app: string, spec: object = {}): Pod =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: app, namespace: 'default', labels: { app } },
    spec: { containers: [{ name: 'main' }], ...spec },
  }) as unknown as Pod;

/** For each node what is said of it. */
function refusals(wanted: Pod, nodes: Node[], placed: Record<string, Pod[]> = {}): (string | undefined)[] {
  return nodes.map((one) => refusal(wanted, one, { nodes, podsOf: (name) => placed[name] ?? [] }));
}

const term = (app: string, topologyKey = 'kubernetes.io/hostname') => ({ labelSelector: { matchLabels: { app } }, topologyKey });
const apart = (app: string) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } } });
const together = (app: string) => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } } });
const onPort = (hostPort: number, hostIP?: string) => ({ containers: [{ name: 'main', ports: [{ containerPort: hostPort, hostPort, hostIP }] }] });
const two = [node('a'), node('b')];

it('keeps pods apart that want to be, whichever of them came first', () => {
  const refused = "node(s) didn't match pod anti-affinity rules";
  expect(refusals(pod('web', apart('web')), two, { a: [pod('web')] })).toEqual([refused, undefined]);
  expect(refusals(pod('web'), two, { a: [pod('other', apart('web'))] })).toEqual(["node(s) didn't satisfy existing pods anti-affinity rules", undefined]);
  expect(refusals(pod('web', apart('web')), two, { a: [pod('web')], b: [pod('web')] })).toEqual([refused, refused]);
});

it('puts pods together that want to be, and the first of them anywhere', () => {
  const refused = "node(s) didn't match pod affinity rules";
  expect(refusals(pod('web', together('store')), two, { a: [pod('store')] })).toEqual([undefined, refused]);
  expect(refusals(pod('web', together('store')), two)).toEqual([refused, refused]);
  expect(refusals(pod('web', together('web')), two)).toEqual([undefined, undefined]);
});

it('spreads pods as evenly as they insist on', () => {
  const constraint = { maxSkew: 1, topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } }, whenUnsatisfiable: 'DoNotSchedule' };
  const zones = [node('a', { zone: 'north' }), node('b', { zone: 'south' }), node('c')];
  const refused = "node(s) didn't match pod topology spread constraints";
  const seen = refusals(pod('web', { topologySpreadConstraints: [constraint] }), zones, { a: [pod('web')] });
  expect(seen).toEqual([refused, undefined, `${refused} (missing required label)`]);
  expect(refusals(pod('web', { topologySpreadConstraints: [{ ...constraint, whenUnsatisfiable: 'ScheduleAnyway' }] }), zones, { a: [pod('web')] })).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it('gives a port of a node once', () => {
  const refused = "node(s) didn't have free ports for the requested pod ports";
  expect(refusals(pod('web', onPort(80)), two, { a: [pod('other', onPort(80))] })).toEqual([refused, undefined]);
  expect(refusals(pod('web', onPort(80, '10.0.0.1')), two, { a: [pod('other', onPort(80, '10.0.0.2'))] })).toEqual([undefined, undefined]);
  expect(refusals(pod('web', onPort(80, '10.0.0.1')), two, { a: [pod('other', onPort(80))] })).toEqual([refused, undefined]);
});

it('says why a node is none: cordoned, tainted, of other labels', () => {
  const taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
  const nodes = [node('a', {}, { unschedulable: true }), node('b', {}, { taints: [taint] }), node('c', { disk: 'slow' })];
  expect(refusals(pod('web', { nodeSelector: { disk: 'fast' } }), [node('c', { disk: 'slow' })])).toEqual([
    "node(s) didn't match Pod's node affinity/selector",
  ]);
  expect(refusals(pod('web'), nodes)).toEqual(['node(s) were unschedulable', 'node(s) had untolerated taint {gpu: yes}', undefined]);
  const tolerations = [{ operator: 'Exists' }];
  expect(refusals(pod('web', { tolerations }), nodes)).toEqual([undefined, undefined, undefined]);
});

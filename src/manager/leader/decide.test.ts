import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../protocol/resources.ts';
import { decide, type WorkloadFacts } from './decide.ts';
import { deployment, intercept, LABELS, service, session, statefulSet } from './fixtures.ts';
import { CLAIM_KEPT_MS } from './limits.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const manager = {
  namespace: 'ambassador',
  namespaceLabels: { 'kubernetes.io/metadata.name': 'ambassador' },
  podLabels: { app: 'traffic-manager' },
  addresses: ['10.244.0.5'],
  port: 8444,
};
const facts = (more: Partial<WorkloadFacts> = {}): WorkloadFacts => ({
  object: deployment(),
  kind: 'Deployment',
  name: 'web',
  intercepts: [intercept('a', 'alice')],
  sessions: [session('alice'), session('bob')],
  services: [service()],
  policies: [],
  netAdminRefused: false,
  firstPort: 9900,
  manager,
  now,
  ...more,
});
const outcome = (more: Partial<WorkloadFacts>, uid = 'a') => decide(facts(more)).outcomes.get(uid);
const policy = (spec: NetworkPolicy['spec'], namespace = 'shop'): NetworkPolicy => ({
  metadata: { name: 'walls', namespace },
  ...(spec === undefined ? {} : { spec }),
});

it('grants the port, asks for a restart with the config, and for none the second time', () => {
  const first = decide(facts());
  expect(first.outcomes.get('a')).toMatchObject({ kind: 'granted', port: { containerPort: 8080 } });
  expect(first).toMatchObject({ restart: true, config: { manager: 'ambassador', ports: [{ mode: 'named' }] } });
  const annotated = deployment({}, {}, { [ANNOTATION.inject]: 'enabled', [ANNOTATION.agentConfig]: JSON.stringify(first.config) });
  expect(decide(facts({ object: annotated }))).toMatchObject({ restart: false, config: first.config });
});

it('names who holds the port, with the host they sit at', () => {
  const both = [intercept('aa', 'alice'), intercept('b', 'bob')];
  expect(outcome({ intercepts: both }, 'b')).toMatchObject({ kind: 'granted' });
  expect(outcome({ intercepts: both }, 'aa')).toEqual({
    kind: 'error',
    reason: 'Conflict',
    message: 'Port http of Deployment web is intercepted by bob@bob-laptop (intercept b).',
  });
});

it('gives the port of a session lost for over a minute to another, and not before', () => {
  const both = [intercept('a', 'alice', {}, { phase: 'Active', granted: true, containerPort: 8080 }), intercept('bb', 'bob')];
  const lost = (ago: number) => [session('alice', { lostAt: new Date(now - ago).toISOString() }), session('bob')];
  expect(outcome({ intercepts: both, sessions: lost(CLAIM_KEPT_MS - 1000) }, 'bb')).toMatchObject({ reason: 'Conflict' });
  expect(outcome({ intercepts: both, sessions: lost(CLAIM_KEPT_MS + 1000) }, 'bb')).toMatchObject({ kind: 'granted' });
});

it('decides nothing for a session that it does not know', () => {
  expect(outcome({ sessions: [] })).toEqual({ kind: 'none' });
});

it('leaves alone what failed for good', () => {
  const failed = intercept('a', 'alice', {}, { phase: 'Error', reason: 'InjectionFailed' });
  expect(decide(facts({ intercepts: [failed] }))).toMatchObject({ restart: false, config: undefined });
});

describe('refuses before anything changes', () => {
  const egress = policy({
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [{ to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }] }],
  });
  const ingress = policy({ podSelector: { matchLabels: LABELS }, ingress: [{ ports: [{ port: 8080 }] }] });
  it.each<[string, Partial<WorkloadFacts>, string, RegExp]>([
    ['no workload', { object: undefined }, 'NoWorkload', /no Deployment web/],
    [
      'part of another',
      {
        object: {
          ...deployment(),
          metadata: { ...deployment().metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'Rollout', name: 'r', uid: 'r', controller: true }] },
        },
      },
      'Refused',
      /belongs to the Rollout r/,
    ],
    ['forbidden', { object: deployment({}, {}, { [ANNOTATION.inject]: 'disabled' }) }, 'Refused', /disabled/],
    ['forbidden in the old way', { object: deployment({}, {}, { 'telepresence.getambassador.io/inject-traffic-agent': 'disabled' }) }, 'Refused', /disabled/],
    ['node network', { object: deployment({}, { hostNetwork: true }) }, 'Refused', /network of their node/],
    ['paused', { object: deployment({ paused: true }) }, 'Refused', /paused/],
    ['partition', { object: statefulSet({ updateStrategy: { rollingUpdate: { partition: 2 } } }), kind: 'StatefulSet' }, 'Refused', /partition 2/],
    ['a policy in the way of the manager', { policies: [egress] }, 'Refused', /NetworkPolicy walls/],
    ['a policy that names ports, where there is no redirect', { policies: [ingress], netAdminRefused: true }, 'Refused', /NetworkPolicy walls/],
    ['headless, where there is no redirect', { services: [service({}, { clusterIP: 'None' })], netAdminRefused: true }, 'Refused', /headless/],
  ])('%s', (_, more, reason, message) => {
    const decision = decide(facts(more));
    expect(decision.outcomes.get('a')).toEqual({ kind: 'error', reason, message: expect.stringMatching(message) });
    expect(decision.restart).toBe(false);
  });

  it('but not for policies that let the agent through', () => {
    const open = policy({
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: '10.244.0.0/16', except: ['10.244.1.0/24'] } }], ports: [{ port: 8000, endPort: 9000 }] }],
    });
    const bySelector = policy({
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ to: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'traffic-manager' } } }] }],
    });
    const others = policy({ podSelector: { matchLabels: { app: 'other' } }, policyTypes: ['Egress'] });
    for (const one of [open, bySelector, others, policy({ podSelector: {}, policyTypes: ['Egress'] }, 'elsewhere')])
      expect(outcome({ policies: [one] })).toMatchObject({ kind: 'granted' });
    expect(decide(facts({ policies: [ingress] })).config?.ports[0]?.mode).toBe('redirect');
  });
});

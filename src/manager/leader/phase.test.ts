import { expect, it } from 'vitest';
import { pod } from './fixtures.ts';
import { type InterceptStatus, type PhaseFacts, phaseOf } from './phase.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const since = new Date(start).toISOString();
const facts = (more: Partial<PhaseFacts>): PhaseFacts => ({
  ready: [pod('a'), pod('b')],
  taking: new Set(),
  linked: new Set(),
  settled: true,
  connected: true,
  errors: [],
  replicas: 2,
  now: start + 1000,
  cause: () => 'Because.',
  ...more,
});
const waiting: InterceptStatus = { phase: 'Waiting', since };
const late = { now: start + 31_000 };
const both = new Set(['a', 'b']);

it.each<[string, InterceptStatus | undefined, Partial<PhaseFacts>, Partial<InterceptStatus>]>([
  ['waits at first', undefined, {}, { phase: 'Waiting', pods: 2, agents: [] }],
  ['is active when every ready pod takes it', waiting, { taking: both }, { phase: 'Active', agents: ['a', 'b'] }],
  ['waits until nodes know that the pods before are gone', waiting, { taking: both, settled: false }, { phase: 'Waiting' }],
  ['stays active while a later pod goes', { phase: 'Active', since }, { taking: both, settled: false }, { phase: 'Active' }],
  ['waits while some do not take it yet', waiting, { taking: new Set(['a']) }, { phase: 'Waiting', agents: ['a'] }],
  ['is degraded when some never do', waiting, { taking: new Set(['a']), ...late }, { phase: 'Degraded', message: '1 of 2 pods. Because.' }],
  ['is degraded at once when it was active', { phase: 'Active', since }, { taking: new Set(['a']) }, { phase: 'Degraded' }],
  ['is degraded, never an error, when all agents are gone', { phase: 'Active', since }, late, { phase: 'Degraded', message: '0 of 2 pods. Because.' }],
  ['is an error with the cause when none comes', waiting, late, { phase: 'Error', reason: 'AgentTimeout', message: 'Because.' }],
  [
    'says that the workload has no replicas',
    waiting,
    { ...late, ready: [], replicas: 0 },
    { phase: 'Error', message: 'The workload is scaled to 0 replicas.' },
  ],
  ['stays an error', { phase: 'Error', reason: 'AgentTimeout', since }, {}, { phase: 'Error' }],
  ['waits again when agents come after all', { phase: 'Error', reason: 'AgentTimeout', since }, { linked: new Set(['a']) }, { phase: 'Waiting' }],
  [
    'stays an error while the workstation is away',
    { phase: 'Error', reason: 'AgentTimeout', since },
    { linked: both, connected: false },
    { phase: 'Error', message: expect.stringMatching(/tunnel is lost/) },
  ],
  ['tells what an agent says', waiting, { errors: ['port 8080 is taken'] }, { phase: 'Error', reason: 'InjectionFailed', message: 'port 8080 is taken' }],
])('%s', (_, before, more, expected) => {
  expect(phaseOf(before, facts(more))).toMatchObject(expected);
});

/** Memory: at rest after `connect` and an intercept, and the most that was seen under the loads measured before. */
import { plainSample, type Row } from '../measure.ts';
import type { Memory, Role } from '../processes.ts';
import type { Desk } from '../scene.ts';
import type { Group, MakeGroup } from './group.ts';

const PARTS: { title: string; roles: Role[]; bound: number; original: string }[] = [
  { title: 'agent', roles: ['agent'], bound: 55, original: '39 / 100' },
  { title: 'manager', roles: ['manager'], bound: 80, original: '56' },
  { title: 'daemon + netd', roles: ['daemon', 'netd'], bound: 120, original: '62 / 143, without its TCP stack' },
];
/** Time for what a start leaves behind to be collected. */
const SETTLE_MS = 5_000;

function sum(roles: Role[], of: (role: Role) => Memory | undefined): Memory {
  const all = roles.map((role) => of(role) ?? { pss: Number.NaN, rss: Number.NaN, own: Number.NaN });
  const add = (field: keyof Memory): number => all.reduce((total, memory) => total + memory[field], 0);
  return { pss: add('pss'), rss: add('rss'), own: add('own') };
}

function rows(desk: Desk, when: string, factor: number, of: (role: Role) => Memory | undefined): Row[] {
  return PARTS.map(({ title, roles, bound, original }) => ({
    group: 'memory',
    title: `${title}, ${when}`,
    unit: 'MiB (PSS)',
    rtt: desk.rtt,
    lessIsBetter: true,
    rounds: 1,
    original,
    target: { bound: bound * factor },
    variants: [
      {
        name: 'ours',
        run: () => {
          const { pss, rss, own } = sum(roles, of);
          return Promise.resolve(plainSample(pss, { rss, own }));
        },
      },
    ],
  }));
}

export const idleMemory: MakeGroup = (desk): Group => ({
  before: async () => {
    await desk.workstation.ok(['quit', '-s']);
    await desk.connected();
    await desk.intercept('app');
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  },
  after: () => desk.leave('app'),
  rows: rows(desk, 'idle', 1, (role) => desk.memory(role)),
});

export const busyMemory: MakeGroup = (desk): Group => ({
  before: () => Promise.resolve(),
  after: () => Promise.resolve(),
  rows: rows(desk, 'busy', 2, (role) => desk.mostMemory(role)),
});

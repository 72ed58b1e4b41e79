import { expect, it } from 'vitest';
import type { AgentLink } from '../context.ts';
import { createProbeBook, PROBE_KEPT_MS } from './probe-book.ts';

const agent = (name: string, podUid = name) => ({ podUid, workload: { namespace: 'shop', kind: 'Deployment', name } }) as AgentLink;
const [front, middle, back] = [agent('front'), agent('middle'), agent('back')];

it('lists workloads in the order in which they saw the mark, those that did not last', () => {
  const book = createProbeBook();
  book.begin('p', [back, middle, front, agent('front', 'second')]);
  book.heard(front, 'p', { marked: 1, unmarked: 0 });
  book.heard(middle, 'p', { marked: 1, unmarked: 2 });
  book.heard(agent('front', 'second'), 'p', { marked: 1, unmarked: 3 });
  book.heard(agent('another'), 'p', { marked: 1, unmarked: 0 });
  book.heard(front, 'unknown', { marked: 1, unmarked: 0 });
  expect(book.hops('p').map(({ workload, marked, unmarked }) => [workload.name, marked, unmarked])).toEqual([
    ['front', 2, 3],
    ['middle', 1, 2],
    ['back', 0, 0],
  ]);
  expect(book.hops('unknown')).toEqual([]);
});

it('forgets', () => {
  let now = 0;
  const book = createProbeBook(() => now);
  book.begin('old', [front]);
  now = PROBE_KEPT_MS + 1;
  book.begin('new', [front]);
  expect([book.hops('old').length, book.hops('new').length]).toEqual([0, 1]);
});

import { expect, it } from 'vitest';
import { complaintsIn, unexplained } from './problems.ts';

it('explains what is around a fault, and nothing else', () => {
  const faults = [{ from: 100_000, to: 102_000 }];
  const problems = [
    { at: 90_000, what: 'long before' },
    { at: 95_000, until: 101_000, what: 'hung into it' },
    { at: 109_000, what: 'just after' },
    { at: 111_000, what: 'long after' },
  ];
  expect(unexplained(problems, faults).map(({ what }) => what)).toEqual(['long before', 'long after']);
});

it('finds complaints in logs, with or without a pod’s prefix', () => {
  const log = ['2030-01-01T00:00:00.000Z info fine', '[pod/a/b] 2030-01-01T00:00:01.000Z warn tunnel: lost x=1', '2030-01-01T00:00:02.000Z error bad'].join(
    '\n',
  );
  expect(complaintsIn('m', log, Date.parse('2030-01-01T00:00:00Z'))).toMatchObject([{ what: 'm warn: tunnel: lost x=1' }, { what: 'm error: bad' }]);
  expect(complaintsIn('m', log, Date.parse('2030-01-02T00:00:00Z'))).toEqual([]);
});

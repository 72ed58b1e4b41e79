import { expect, test } from 'vitest';
import { compact } from './compact.ts';
import type { Measured } from './measure.ts';
import { merged } from './merge.ts';
import type { Report } from './report.ts';

function row(title: string, rtt: number, ours: number, target?: Measured['target']): Measured {
  const variant = (value: number): Measured['variants'][string] => ({ value, rounds: [value], more: {}, cpu: {} });
  return {
    group: 'outbound',
    title,
    unit: 'Mbit/s',
    rtt,
    lessIsBetter: false,
    cpuUnit: undefined,
    original: '848',
    target,
    variants: { ours: variant(ours), 'port-forward': variant(100) },
  };
}

function report(rounds: number, rows: Measured[], commit = 'abc'): Report {
  return { machine: 'two cores', date: '2026-01-01', version: '1', commit, seconds: 3, rounds, rows };
}

const target = { against: 'port-forward', bound: 1.5 };

test('a row measured again replaces the one before, and the fewest rounds and all commits are told', () => {
  const all = merged([report(5, [row('one flow', 0, 120), row('one flow', 20, 90)]), report(1, [row('one flow', 0, 160)], 'def')]);
  expect(all.rows.map(({ rtt, variants }) => [rtt, variants['ours']?.value])).toEqual([
    [0, 160],
    [20, 90],
  ]);
  expect([all.rounds, all.commit]).toEqual([1, 'abc, def']);
});

test('the short table has a line for each figure with a target, and says which were missed', () => {
  const text = compact(report(2, [row('one flow', 0, 160, target), row('one flow', 20, 90, target), row('8 flows', 0, 100)]));
  expect(text).toContain('| outbound: one flow, Mbit/s | 160 (×1.60) ✓ | 90.0 (×0.90) ✗ | ≥ 1.5 × port-forward | 848 |');
  expect(text).toContain('1 of 2 targets are reached');
  expect(text).not.toContain('8 flows');
});

import type { LimitRange, LimitRangeItem } from 'kubernetes-types/core/v1.js';
import { expect, it } from 'vitest';
import { formatQuantity, parseQuantity } from './quantity.ts';
import { agentResources } from './resources.ts';

const range = (item: Partial<LimitRangeItem>): LimitRange => ({ spec: { limits: [{ type: 'Container', ...item }] } });

it.each([
  ['nothing', [], [], { requests: { cpu: '10m', memory: '64Mi' } }],
  ['a minimum', [range({ min: { cpu: '200m' } })], [], { requests: { cpu: '200m', memory: '64Mi' }, limits: { cpu: '1000m' } }],
  ['a maximum', [range({ max: { memory: '48Mi' } })], [], { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '48Mi' } }],
  ['a small default', [range({ default: { memory: '32Mi' } })], [], { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } }],
  ['a ratio', [range({ maxLimitRequestRatio: { cpu: '10' } })], [], { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1000m' } }],
  ['a quota on limits', [], [{ spec: { hard: { 'limits.memory': '1Gi' } } }], { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } }],
  ['a range for whole pods', [range({ type: 'Pod', min: { cpu: '1' } })], [], { requests: { cpu: '10m', memory: '64Mi' } }],
])('passes %s', (_, ranges, quotas, expected) => {
  expect(agentResources(ranges, quotas)).toEqual(expected);
});

it.each([
  ['100m', 0.1],
  ['2', 2],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['1e3', 1000],
  ['64M', 64e6],
])('reads %s', (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value, 6);
});

it('knows what is no quantity', () => {
  expect(['x', '', '1.2.3', '5X'].map((text) => parseQuantity(text))).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
});

it('rounds up, so that a minimum is kept', () => {
  expect([formatQuantity('cpu', 0.0101), formatQuantity('memory', 1000.2), formatQuantity('memory', 2 ** 20)]).toEqual(['11m', '1001', '1Mi']);
});

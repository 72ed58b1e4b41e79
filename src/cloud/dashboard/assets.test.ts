import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { browserName } from '../preview/visits.ts';
import { testIntercept } from '../testing/cloud.ts';
import { SCRIPT, STYLE } from './assets.ts';
import { relative } from './html.ts';
import { Traffic } from './traffic.ts';

describe('what browsers are given', () => {
  it('is JavaScript that needs nothing from outside of itself, and small', () => {
    expect(() => new Script(SCRIPT.text)).not.toThrow();
    expect(SCRIPT.text).not.toMatch(/\bimport\b|\brequire\b|__name|\bas unknown\b/);
    expect(SCRIPT.text.length).toBeLessThan(10_000);
  });
  it('is a style in which every colour that is used is set', () => {
    const used = new Set([...STYLE.text.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name));
    expect([...used].filter((name) => !STYLE.text.includes(`${name}:`))).toEqual([]);
    expect(STYLE.text).not.toContain('undefined');
  });
});

it.each([
  [3, 'just now'],
  [42, '42 s ago'],
  [61, '1 min ago'],
  [7_200, '2 h ago'],
  [90_000, 'yesterday'],
  [400_000, '4 days ago'],
  [-50, 'just now'],
])('%s seconds are %s', (seconds, text) => expect(relative(0, seconds * 1000)).toBe(text));

describe('requests per second', () => {
  const at = (requests: number) => testIntercept('a', { requests });
  it('come from the counts, and fall to nothing when none come', () => {
    const traffic = new Traffic();
    for (const [index, requests] of [100, 120, 140, 160].entries()) traffic.sample([at(requests)], index * 2_000);
    expect(traffic.view(at(160))).toMatchObject({ rate: 10, total: 160, lastAt: 6_000, steps: [10, 10, 10] });
    for (let step = 4; step < 7; step++) traffic.sample([at(160)], step * 2_000);
    expect(traffic.view(at(160))).toMatchObject({ rate: 0, lastAt: 6_000 });
  });
  it('are not negative when a manager starts anew, and unknown at first', () => {
    const traffic = new Traffic();
    traffic.sample([at(100)], 0);
    expect(traffic.view(at(100)).rate).toBeUndefined();
    traffic.sample([at(3)], 2_000);
    expect(traffic.view(at(3)).rate).toBe(0);
  });
});

it.each([
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15', 'Safari on macOS'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36 Edg/124.0', 'Edge on Windows'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0', 'Firefox on Linux'],
  ['curl/8.5.0', 'curl'],
  ['', 'unknown client'],
  ['<script>', 'unknown client'],
])('%s is %s', (header, name) => expect(browserName(header)).toBe(name));

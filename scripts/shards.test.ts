import { describe, expect, it } from 'vitest';
import { shardsOf } from './shards.ts';

const length = (lengths: Readonly<Record<string, number>>, files: readonly string[] = []): number => files.reduce((sum, file) => sum + (lengths[file] ?? 0), 0);

describe('shardsOf', () => {
  const lengths = { a: 100, b: 60, c: 50, d: 30, e: 20 };

  it('puts each file in one shard, and makes the shards equally long', () => {
    const shards = shardsOf(Object.keys(lengths), 2, lengths);
    expect(shards.flat().toSorted()).toEqual(Object.keys(lengths));
    expect(shards.map((shard) => length(lengths, shard))).toEqual([130, 130]);
  });

  it('has no empty shard', () => {
    expect(shardsOf(['a'], 3, lengths)).toEqual([['a']]);
  });

  it('takes a file of which nothing is known', () => {
    expect(shardsOf(['new', 'a'], 2, lengths).flat().toSorted()).toEqual(['a', 'new']);
  });
});

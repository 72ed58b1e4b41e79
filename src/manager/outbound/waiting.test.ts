import { describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { createWaitingBytes, type Holder } from './waiting.ts';

/** A connection with streams in which so much waits. */
function holder(...streams: number[]): Holder & { streams: number[] } {
  return {
    streams,
    get waiting() {
      return streams.reduce((sum, size) => sum + size, 0);
    },
    shed() {
      streams.splice(streams.indexOf(Math.max(...streams)), 1);
    },
  };
}
const make = () => createWaitingBytes({ log: silentLog, owner: 100, all: 200, lookBytes: 10 });

describe('bytes that wait', () => {
  it('are left alone within the bounds', () => {
    const waiting = make();
    const one = holder(60, 40);
    waiting.add('a', one);
    waiting.arrived(10);
    expect(one.streams).toEqual([60, 40]);
  });

  it('of one owner: his fullest streams go, in whichever of his connections, and no one else’s', () => {
    const waiting = make();
    const [one, two, other] = [holder(10, 70), holder(50, 5), holder(99)];
    waiting.add('a', one);
    waiting.add('a', two);
    waiting.add('b', other);
    waiting.arrived(10);
    expect([one.streams, two.streams, other.streams]).toEqual([[10], [50, 5], [99]]);
  });

  it('of all owners: who holds most loses first', () => {
    const waiting = make();
    const holders = [holder(50, 45), holder(30), holder(20, 60), holder(1)];
    for (const [index, one] of holders.entries()) waiting.add(`${index}`, one);
    waiting.arrived(10);
    expect(holders.map(({ waiting: left }) => left)).toEqual([45, 30, 80, 1]);
  });

  it('are looked at only when enough has come, and no more of who is gone', () => {
    const waiting = make();
    const one = holder(300);
    const forget = waiting.add('a', one);
    waiting.arrived(9);
    expect(one.streams).toEqual([300]);
    forget();
    waiting.arrived(1);
    expect(one.streams).toEqual([300]);
  });

  it('of a holder that gives up nothing do not hang the look', () => {
    const waiting = make();
    waiting.add('a', { waiting: 500, shed: () => undefined });
    waiting.arrived(10);
  });
});

import { describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { createTrim, TRIM_BUSY, TRIM_FROM_BYTES, TRIM_MASS_BYTES, TRIM_PAUSE_MS } from './trim.ts';

const MIB = 1024 * 1024;

/** A manager whose collection leaves `kept` bytes. */
function managerOf(resident: number) {
  const state = { resident, kept: resident, share: 0, now: 0, collections: 0 };
  const trim = createTrim({
    log: silentLog,
    resident: () => state.resident,
    busy: () => state.share,
    now: () => state.now,
    collect: () => {
      state.collections++;
      state.resident = state.kept;
    },
    pauseMs: TRIM_PAUSE_MS,
  });
  const look = (change: Partial<typeof state> = {}): number => {
    Object.assign(state, change);
    trim.look();
    return state.collections;
  };
  return { state, look };
}

describe('a manager gives memory back', () => {
  it('once it has grown, and again only after a while and more growth', () => {
    const { state, look } = managerOf(TRIM_FROM_BYTES + 100 * MIB);
    expect(look({ kept: TRIM_FROM_BYTES + 60 * MIB })).toBe(1);
    expect(look({ now: 10 * TRIM_PAUSE_MS, resident: state.kept + MIB })).toBe(1);
    expect(look({ resident: state.kept + 100 * MIB })).toBe(2);
    expect(look({ now: 10.5 * TRIM_PAUSE_MS, resident: state.kept + 100 * MIB })).toBe(2);
    expect(look({ now: 11.1 * TRIM_PAUSE_MS })).toBe(3);
  });

  it('not while it is small', () => {
    expect(managerOf(TRIM_FROM_BYTES - 1).look({ kept: 0 })).toBe(0);
  });

  it('not while it is busy, unless peers link by thousands', () => {
    const { state, look } = managerOf(TRIM_FROM_BYTES);
    expect(look()).toBe(1);
    const busy = { now: 2 * TRIM_PAUSE_MS, share: TRIM_BUSY + 0.1 };
    expect(look({ ...busy, resident: state.kept + TRIM_MASS_BYTES - 1 })).toBe(1);
    expect(look({ ...busy, resident: state.kept + TRIM_MASS_BYTES + 1 })).toBe(2);
  });

  it('counting from the least that it ever had since', () => {
    const { look } = managerOf(TRIM_FROM_BYTES + 100 * MIB);
    expect(look()).toBe(1);
    expect(look({ now: 2 * TRIM_PAUSE_MS, resident: TRIM_FROM_BYTES })).toBe(1);
    expect(look({ resident: TRIM_FROM_BYTES + 20 * MIB })).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';
import { LAST_SEEN_MS, nextStatus } from './status.ts';

const now = Date.parse('2030-01-01T00:00:00Z');
const time = '2030-01-01T00:00:00.000Z';
const facts = { self: 'a', present: true, alive: new Set(['a', 'b']), now };

describe('the status of a session', () => {
  it('gains this replica when the tunnel is there and loses it when it is lost', () => {
    const gained = nextStatus(undefined, facts);
    expect(gained).toEqual({ replicas: [{ name: 'a', since: time }], lostAt: null, lastSeen: time });
    expect(nextStatus({ replicas: gained?.replicas ?? [] }, { ...facts, present: false })).toEqual({ replicas: [], lostAt: time });
  });
  it('is left alone when it is right', () => {
    expect(nextStatus(undefined, { ...facts, present: false })).toBeUndefined();
    expect(nextStatus({ replicas: [{ name: 'a', since: time }], lastSeen: time }, facts)).toBeUndefined();
    expect(nextStatus({ replicas: [], lostAt: '2029-12-31T00:00:00Z' }, { ...facts, present: false })).toBeUndefined();
    expect(nextStatus({ replicas: [{ name: 'b', since: time }] }, { ...facts, present: false })).toBeUndefined();
  });
  it('is not lost while another replica holds a tunnel', () => {
    const both = [
      { name: 'b', since: time },
      { name: 'a', since: time },
    ];
    expect(nextStatus({ replicas: both }, { ...facts, present: false })).toEqual({ replicas: [both[0]], lostAt: null });
  });
  it('loses replicas that are gone, and is lost with the last of them', () => {
    expect(nextStatus({ replicas: [{ name: 'dead', since: time }] }, { ...facts, present: false })).toMatchObject({ replicas: [], lostAt: time });
    expect(nextStatus({ replicas: [{ name: 'dead', since: time }] }, facts)).toMatchObject({ replicas: [{ name: 'a' }], lostAt: null });
  });
  it('keeps the first moment of the loss', () => {
    expect(nextStatus({ replicas: [{ name: 'dead', since: time }], lostAt: '2029-01-01T00:00:00Z' }, { ...facts, present: false })?.lostAt).toBe(
      '2029-01-01T00:00:00Z',
    );
  });
  it('says now and then that the workstation was seen', () => {
    expect(nextStatus({ replicas: [{ name: 'a', since: time }], lastSeen: new Date(now - LAST_SEEN_MS).toISOString() }, facts)).toMatchObject({
      lastSeen: time,
    });
  });
});

import { duplexPair } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { createMux, type Mux } from '../../mux/index.ts';
import type { Session } from '../../protocol/resources.ts';
import { SILENCE_DEAD_MS, SILENCE_LOST_MS, STOOD_STILL_MS } from '../../tunnel/index.ts';
import { SESSION_CONNECTION_LIMIT } from '../outbound/quota.ts';
import { createSessionRegistry } from './registry.ts';

const session = { apiVersion: 'telepresence.io/v1', kind: 'Session', metadata: { name: 's', uid: 'u1' }, spec: { user: 'alice' } } as unknown as Session;
const muxes: Mux[] = [];
afterEach(() => {
  for (const mux of muxes.splice(0)) mux.abort(new Error('over'));
});

function setup() {
  const clock = { now: 0, heardAt: 0 };
  const registry = createSessionRegistry({ log: silentLog, now: () => clock.now, tickMs: 1 });
  const held: [string, boolean][] = [];
  registry.onHeld((uid, is) => held.push([uid, is]));
  const attach = (kind: 'control' | 'data', opened: string[] = [], name = '') => {
    const [near, far] = duplexPair();
    const mux = createMux(near, { role: 'server', log: silentLog });
    const peer = createMux(far, {
      role: 'client',
      log: silentLog,
      onStream: (stream) => {
        opened.push(name);
        stream.resume().on('error', () => {});
      },
    });
    muxes.push(mux, peer);
    registry.attach(session, { kind, mux, heardAt: () => clock.heardAt, notify: () => {} });
    return { mux, peer };
  };
  return { registry, clock, held, attach };
}
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

describe('the session registry', () => {
  it('holds a session while a data connection is there; control connections take no intercepted ones', async () => {
    const { registry, held, attach } = setup();
    const control = attach('control');
    expect(registry.present('u1')).toBe(true);
    expect(registry.open('u1', Buffer.of(1))).toBeUndefined();
    const data = attach('data');
    expect(held).toEqual([['u1', true]]);
    data.mux.abort(new Error('lost'));
    await until(() => held.length === 2);
    expect(registry.present('u1')).toBe(true);
    control.mux.abort(new Error('lost'));
    await until(() => registry.counts().sessions === 0);
    expect(registry.present('u1')).toBe(false);
    registry.close();
  });

  it('takes turns over the data connections', async () => {
    const { registry, attach } = setup();
    const opened: string[] = [];
    attach('data', opened, 'a');
    attach('data', opened, 'b');
    for (let index = 0; index < 4; index += 1) registry.open('u1', Buffer.of(1))?.on('error', () => {});
    await until(() => opened.length === 4);
    expect(opened.filter((name) => name === 'a')).toHaveLength(2);
    registry.close();
  });

  it('opens beside a bulk flow on the connection that the flow does not use', async () => {
    const { registry, attach } = setup();
    const opened: string[] = [];
    const { mux } = attach('data', opened, 'busy');
    attach('data', opened, 'quiet');
    const flow = mux.open(Buffer.of(1));
    let over = false;
    const pour = (): void => {
      if (!over) flow.write(Buffer.alloc(64 * 1024), pour);
    };
    pour();
    // turns alone never give one of two connections ten in a row
    await until(() => {
      registry.open('u1', Buffer.of(1))?.on('error', () => {});
      return opened.slice(-10).join() === Array(10).fill('quiet').join();
    });
    over = true;
    registry.close();
  });

  it('is lost after silence, back with the first byte, and dead after a long silence', async () => {
    const { registry, clock, held, attach } = setup();
    const { mux } = attach('data');
    clock.now = SILENCE_LOST_MS;
    await until(() => held.length === 2);
    expect(registry.open('u1', Buffer.of(1))).toBeUndefined();
    clock.heardAt = clock.now;
    await until(() => held.length === 3);
    expect(registry.held().has('u1')).toBe(true);
    clock.now += SILENCE_DEAD_MS;
    expect(await mux.closed).toBeInstanceOf(Error);
    await until(() => registry.counts().sessions === 0);
    registry.close();
  });

  it('takes nobody for lost after it stood still itself', async () => {
    const { registry, clock, held, attach } = setup();
    const { peer } = attach('data');
    await until(() => held.length === 1);
    // The workstation's bytes wait, unread, while this process is busy.
    const stoodUntil = performance.now() + STOOD_STILL_MS + 100;
    while (performance.now() < stoodUntil);
    clock.now = SILENCE_LOST_MS;
    setImmediate(() => {
      clock.heardAt = clock.now;
    });
    await peer.ping();
    await until(() => clock.heardAt === clock.now);
    expect(held).toEqual([['u1', true]]);
    registry.close();
  });

  it('resets what was opened after the last sign of life, and nothing older', async () => {
    const { registry, clock, held, attach } = setup();
    attach('data');
    const older = registry.open('u1', Buffer.of(1));
    clock.now = 10;
    clock.heardAt = 20;
    clock.now = 30;
    const younger = registry.open('u1', Buffer.of(1));
    const reset = new Promise<void>((resolve) => younger?.on('error', () => resolve()));
    clock.now = 20 + SILENCE_LOST_MS;
    await reset;
    await until(() => held.length === 2);
    expect(younger?.resetReason).toBe('gone');
    expect(older?.destroyed).toBe(false);
    registry.close();
  });

  it('drops an ended session at once and takes no more of its connections', () => {
    const { registry, held, attach } = setup();
    attach('data');
    registry.end('u1');
    expect(held).toEqual([
      ['u1', true],
      ['u1', false],
    ]);
    expect(() => attach('data')).toThrow(/ended/);
    registry.close();
  });

  it('bounds the connections of a session', () => {
    const { registry, attach } = setup();
    for (let index = 0; index < SESSION_CONNECTION_LIMIT; index += 1) attach('data');
    expect(() => attach('data')).toThrow(/too many/);
    registry.close();
  });
});

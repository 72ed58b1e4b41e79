import { expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { createKeyedQueue } from './keyed-queue.ts';

const options = { log: silentLog, atOnce: 2, retryFirstMs: 1, retryMaxMs: 2 };

it('runs a key once more for all that was asked for while it ran, and never twice at once', async () => {
  let [runs, running] = [0, 0];
  const [first, gate, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const queue = createKeyedQueue(async () => {
    expect(++running).toBe(1);
    if (++runs === 1) {
      first.resolve();
      await gate.promise;
    } else second.resolve();
    running--;
  }, options);
  queue.add('a');
  await first.promise;
  for (let i = 0; i < 5; i++) queue.add('a');
  setTimeout(() => gate.resolve(), 5);
  await second.promise;
  await queue.close();
  expect(runs).toBe(2);
});

it('runs no more than so many at once, the rest in the order in which they came due', async () => {
  let [running, most] = [0, 0];
  const order: string[] = [];
  const done = Promise.withResolvers<void>();
  const queue = createKeyedQueue(async (key) => {
    order.push(key);
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    if (order.length === 6) done.resolve();
  }, options);
  for (const key of ['a', 'b', 'c', 'd', 'c', 'e', 'a']) queue.add(key);
  await new Promise((resolve) => setTimeout(resolve, 1));
  queue.add('f');
  await done.promise;
  await queue.close();
  expect({ order, most }).toEqual({ order: ['a', 'b', 'c', 'd', 'e', 'f'], most: 2 });
});

it('tries again what failed', async () => {
  let runs = 0;
  const done = Promise.withResolvers<void>();
  const queue = createKeyedQueue(async () => {
    if (++runs < 3) throw new Error('no');
    done.resolve();
  }, options);
  queue.add('a');
  await done.promise;
  await queue.close();
  expect(runs).toBe(3);
});

it('begins nothing after it was closed', async () => {
  let runs = 0;
  const queue = createKeyedQueue(async () => void runs++, options);
  queue.add('a', 1);
  await queue.close();
  queue.add('b');
  expect(runs).toBe(0);
});

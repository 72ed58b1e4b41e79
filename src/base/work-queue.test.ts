import { expect, it, vi } from 'vitest';
import { createWorkQueue } from './work-queue.ts';

const onFailure = vi.fn();
const queueOf = (work: (key: string) => Promise<void>) => createWorkQueue({ work, atOnce: 2, retryFirstMs: 1, retryMostMs: 2, onFailure });

it('works once more on a key for all that was asked for meanwhile, and never twice at once', async () => {
  let [runs, running] = [0, 0];
  const [first, gate, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const queue = queueOf(async () => {
    expect(++running).toBe(1);
    if (++runs === 1) {
      first.resolve();
      await gate.promise;
    } else second.resolve();
    running--;
  });
  queue.add('a');
  queue.start();
  await first.promise;
  for (let i = 0; i < 5; i++) queue.add('a');
  setTimeout(() => gate.resolve(), 5);
  await second.promise;
  await queue.close();
  expect(runs).toBe(2);
});

it('works on no more than so many at once, on the rest in the order in which they came due', async () => {
  let [running, most] = [0, 0];
  const order: string[] = [];
  const done = Promise.withResolvers<void>();
  const queue = queueOf(async (key) => {
    order.push(key);
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    if (order.length === 6) done.resolve();
  });
  for (const key of ['a', 'b', 'c', 'd', 'c', 'e', 'a']) queue.add(key);
  queue.start();
  queue.add('f');
  await done.promise;
  await queue.close();
  expect({ order, most }).toEqual({ order: ['a', 'b', 'c', 'd', 'e', 'f'], most: 2 });
});

it('begins when it is started, and with what is due later when that is due', async () => {
  const order: string[] = [];
  const done = Promise.withResolvers<void>();
  const queue = queueOf(async (key) => {
    order.push(key);
    if (key === 'late') done.resolve();
  });
  queue.addAfter('late', 30);
  queue.addAfter('early', 10_000);
  queue.addAfter('early', 1);
  queue.add('now');
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(order).toEqual([]);
  queue.start();
  await done.promise;
  await queue.close();
  expect(order).toEqual(['now', 'early', 'late']);
});

it('tries again what failed, and says how often it has', async () => {
  let runs = 0;
  const done = Promise.withResolvers<void>();
  const queue = queueOf(async () => {
    if (++runs < 3) throw new Error('no');
    done.resolve();
  });
  queue.start();
  queue.add('a');
  await done.promise;
  await queue.close();
  expect(onFailure.mock.calls.map(([key, error, failures]) => [key, (error as Error).message, failures])).toEqual([
    ['a', 'no', 0],
    ['a', 'no', 1],
  ]);
});

it('begins nothing after it was closed, and waits for what it has begun', async () => {
  const done: string[] = [];
  const queue = queueOf(async (key) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push(key);
    queue.add('again');
  });
  queue.start();
  queue.add('a');
  queue.addAfter('later', 1);
  await Promise.resolve();
  await queue.close();
  queue.add('b');
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(done).toEqual(['a']);
});

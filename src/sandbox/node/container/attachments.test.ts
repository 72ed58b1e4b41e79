/** Who is attached to a container's process, without a process. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { ATTACH_UNREAD_LIMIT } from '../limits.ts';
import { createAttachments } from './attachments.ts';

it('shows each what comes from then on, on its stream, until the process ends', async () => {
  const attachments = createAttachments({ input: undefined, once: false });
  attachments.write('stdout', Buffer.from('before '));
  const first = attachments.attach(true);
  attachments.write('stdout', Buffer.from('one '));
  const second = attachments.attach(false);
  attachments.write('stdout', Buffer.from('two'));
  attachments.write('stderr', Buffer.from('oh'));
  attachments.end();
  expect(first.stdin).toBeUndefined();
  expect(await Promise.all([text(first.stdout), text(second.stdout), text(second.stderr ?? new PassThrough())])).toEqual(['one two', 'two', 'oh']);
  expect(await first.exited).toBe(0);
});

it('leaves the input open for the next, unless the first is to take it along', async () => {
  for (const takesAlong of [false, true]) {
    const input = new PassThrough();
    const attachments = createAttachments({ input, once: takesAlong });
    const { stdin, kill } = attachments.attach(true);
    stdin?.write('typed');
    expect(String((await once(input, 'data'))[0])).toBe('typed');
    kill();
    expect(input.writableEnded).toBe(takesAlong);
  }
});

it('lets go who does not read, and no other', async () => {
  const attachments = createAttachments({ input: undefined, once: false });
  const [slow, quick] = [attachments.attach(false), attachments.attach(false)];
  const read = text(quick.stdout);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let written = 0;
  for (; written < 2 * ATTACH_UNREAD_LIMIT; written += chunk.length) {
    attachments.write('stdout', chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await slow.exited).toBe(0);
  attachments.end();
  expect((await read).length).toBe(written);
});

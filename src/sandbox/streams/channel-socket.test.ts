import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createChannelSocket } from './channel-socket.ts';

it('what is printed to a channel that has ended is lost without a word', async () => {
  const channels = createChannelSocket(new PassThrough());
  const writable = channels.writable(1);
  const program = new PassThrough();
  program.pipe(writable);
  writable.end();
  program.write('too late');
  await new Promise<void>((closed) => writable.once('close', () => closed()));
  expect(writable.destroyed).toBe(true);
  channels.close();
});

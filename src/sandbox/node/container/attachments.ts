/** `kubectl attach`: those who see what a container's own process prints from now on, and write its input where it has one. */
import { PassThrough, type Writable } from 'node:stream';
import type { ExecProcess } from '../../contract.ts';
import { ATTACH_UNREAD_LIMIT } from '../limits.ts';

export interface Attachments {
  /** What the process printed, for all that are attached. Whoever does not read is let go: the process is not held up. */
  write(stream: 'stdout' | 'stderr', bytes: Buffer): void;
  attach(wantsInput: boolean): ExecProcess;
  /** The process has ended. */
  end(): void;
}

export interface AttachmentsOptions {
  /** Of the process; undefined when it was started without one. */
  input: Writable | undefined;
  /** The first who was attached to the input takes it along when they go. */
  once: boolean;
  /** Of its terminal; absent when it has none. */
  resize?: (columns: number, rows: number) => void;
}

export function createAttachments({ input, once, resize }: AttachmentsOptions): Attachments {
  const all = new Set<{ stdout: PassThrough; stderr: PassThrough; leave: () => void }>();
  return {
    write(stream, bytes) {
      for (const attached of all)
        if (attached[stream].writableLength > ATTACH_UNREAD_LIMIT) attached.leave();
        else attached[stream].write(bytes);
    },
    attach(wantsInput) {
      const gone = Promise.withResolvers<number>();
      const stdin = wantsInput && input !== undefined ? new PassThrough() : undefined;
      if (input !== undefined) stdin?.pipe(input, { end: once });
      const attached = {
        stdout: new PassThrough(),
        stderr: new PassThrough(),
        leave() {
          if (!all.delete(attached)) return;
          if (input !== undefined) stdin?.unpipe(input);
          if (stdin !== undefined && once) input?.end();
          attached.stdout.end();
          attached.stderr.end();
          // how it ended is in the pod's status
          gone.resolve(0);
        },
      };
      all.add(attached);
      return {
        stdin,
        stdout: attached.stdout,
        stderr: resize === undefined ? attached.stderr : undefined,
        resize: (columns, rows) => resize?.(columns, rows),
        kill: () => attached.leave(),
        exited: gone.promise,
      };
    },
    end() {
      for (const attached of [...all]) attached.leave();
    },
  };
}

/** Lines that somebody types. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface TypedLines {
  /** The next line without its end; undefined when there will be none. */
  next(): Promise<string | undefined>;
  /** Lets go of the terminal: left open it keeps the process alive. A `next` that waits ends. */
  close(): void;
}

export function readLines(input: Readable): TypedLines {
  const reader = createInterface({ input });
  const lines = reader[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await lines.next();
      return done === true ? undefined : value;
    },
    close: () => reader.close(),
  };
}

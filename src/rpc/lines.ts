import { Gathered } from '../base/gathered.ts';

/**
 * Cuts a byte stream into lines, without their newline. `push` throws a RangeError when a line grows beyond `limit`.
 */
export function createLineSplitter(limit: number, onLine: (line: string) => void): { push(chunk: Buffer): void } {
  const begun = new Gathered();
  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        if (begun.length + end - start > limit) throw new RangeError(`a line is longer than ${limit} bytes`);
        const piece = chunk.subarray(start, end);
        start = end + 1;
        if (begun.length > 0) begun.append(piece);
        onLine((begun.length > 0 ? begun.take() : piece).toString());
      }
      if (start === chunk.length) return;
      if (begun.length + chunk.length - start > limit) throw new RangeError(`a line is longer than ${limit} bytes`);
      begun.append(chunk.subarray(start));
    },
  };
}

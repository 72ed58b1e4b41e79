/**
 * Cuts a byte stream into lines, without their newline. `push` throws a RangeError when a line grows beyond `limit`.
 */
export function createLineSplitter(limit: number, onLine: (line: string) => void): { push(chunk: Buffer): void } {
  let parts: Buffer[] = [];
  let held = 0;
  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        if (held + end - start > limit) throw new RangeError(`a line is longer than ${limit} bytes`);
        const piece = chunk.subarray(start, end);
        start = end + 1;
        if (held === 0) {
          onLine(piece.toString());
        } else {
          const line = Buffer.concat([...parts, piece]).toString();
          parts = [];
          held = 0;
          onLine(line);
        }
      }
      if (start === chunk.length) return;
      held += chunk.length - start;
      if (held > limit) throw new RangeError(`a line is longer than ${limit} bytes`);
      parts.push(start === 0 ? chunk : chunk.subarray(start));
    },
  };
}

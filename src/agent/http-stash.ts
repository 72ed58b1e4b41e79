/** Bytes that wait, in order. What was taken out may still be on its way elsewhere: no byte is ever overwritten. */
export class Stash {
  #buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  append(chunk: Buffer): void {
    const length = this.length;
    if (this.#buffer.length - this.#end < chunk.length) {
      const grown = Buffer.allocUnsafeSlow((length + chunk.length) * 2);
      this.#buffer.copy(grown, 0, this.#start, this.#end);
      this.#buffer = grown;
      this.#start = 0;
      this.#end = length;
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /** All that waits; it stays. */
  view(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  drop(bytes: number): void {
    this.#start += bytes;
    if (this.#start < this.#end) return;
    this.#buffer = Buffer.alloc(0);
    this.#start = this.#end = 0;
  }
}

const FIRST_BYTES = 256;

/**
 * Bytes that are not whole yet, in one buffer that grows. A list of the pieces as they came would cost a hundred times their size where
 * a peer sends single bytes, and each piece would keep the whole chunk that it was cut from.
 */
export class Gathered {
  #buffer: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (this.#buffer === undefined || length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, length, 2 * this.#length));
      this.#buffer?.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  /** What is there so far; valid until the next {@link append}. */
  view(): Buffer {
    return this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
  }

  /** All of it, which is the caller's from then on. */
  take(): Buffer {
    const bytes = this.view();
    this.#buffer = undefined;
    this.#length = 0;
    return bytes;
  }
}

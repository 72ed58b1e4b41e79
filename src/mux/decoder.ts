import { FRAME, HEADER_BYTES } from './frame.ts';
import { countCarried } from './spent-buffers.ts';

/** Told what the decoder finds, in order. A method may set {@link FrameDecoder.stopped}: nothing more is told then. */
export interface FrameSink {
  /** A frame's header; for Data frames with `length` > 0, {@link payload} follows until `last`. */
  header(type: number, flags: number, id: number, length: number): void;
  /** A piece of the current Data frame's payload: a view into the chunk that was pushed. */
  payload(piece: Buffer, last: boolean): void;
  /** The bytes are no frames. */
  malformed(message: string): void;
}

/** Cuts a byte stream into frames. Does no I/O, copies no payload, holds at most one header. */
export class FrameDecoder {
  stopped = false;
  /** Bytes pushed so far. */
  received = 0;
  #sink: FrameSink;
  #scratch: Buffer | undefined;
  #held = 0;
  #remaining = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    this.received += chunk.length;
    countCarried(chunk.length);
    let at = 0;
    const end = chunk.length;
    while (at < end && !this.stopped) {
      if (this.#remaining > 0) {
        const take = Math.min(this.#remaining, end - at);
        this.#remaining -= take;
        this.#sink.payload(take === end ? chunk : chunk.subarray(at, at + take), this.#remaining === 0);
        at += take;
      } else if (this.#held === 0 && end - at >= HEADER_BYTES) {
        this.#header(chunk, at);
        at += HEADER_BYTES;
      } else {
        this.#scratch ??= Buffer.allocUnsafe(HEADER_BYTES);
        const take = Math.min(HEADER_BYTES - this.#held, end - at);
        chunk.copy(this.#scratch, this.#held, at, at + take);
        this.#held += take;
        at += take;
        if (this.#held < HEADER_BYTES) return;
        this.#held = 0;
        this.#header(this.#scratch, 0);
      }
    }
  }

  #header(bytes: Buffer, at: number): void {
    const type = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0) {
      this.#sink.malformed(`frame version ${bytes[at]}`);
    } else if (type > FRAME.goAway) {
      this.#sink.malformed(`frame type ${type}`);
    } else {
      const length = bytes.readUInt32BE(at + 8);
      if (type === FRAME.data) this.#remaining = length;
      this.#sink.header(type, bytes.readUInt16BE(at + 2), bytes.readUInt32BE(at + 4), length);
    }
  }
}

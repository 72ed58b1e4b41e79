import type { Duplex } from 'node:stream';
import { HEADER_BYTES, writeHeader } from './frame.ts';
import { COMPANY_MS, CONTROL_QUEUE_LIMIT, COPY_LIMIT, TRANSPORT_BOUND } from './limits.ts';
import { countCarried } from './spent-buffers.ts';

/** Something with frames to send: asked for one each time its turn comes. */
export interface FrameSource {
  /** Puts at most one frame on the sender; returns whether it has another one to send now. */
  emitFrame(sender: FrameSender): boolean;
  /** Kept by the sender: whether it stands in the ring. */
  queued: boolean;
}

const SLAB_PER_FRAME = 256;
const SLAB_LIMIT = 16 * 1024;
const CONTROL_FIRST = 256;
/** A larger buffer for control frames is not kept when it is empty. */
const CONTROL_KEPT = 4 * 1024;

/**
 * The outgoing half of a session. Frames of one turn of the event loop leave in one vectored write; control frames first, then the
 * ready streams, one frame each in turn. Holds at most TRANSPORT_BOUND (and one frame) on the transport.
 */
export class FrameSender {
  /** Bytes handed to the transport so far. */
  sent = 0;
  #transport: Duplex;
  #overflow: () => void;
  /** Control frames, one behind the other, from #controlAt to #controlEnd. */
  #control: Buffer = Buffer.alloc(0);
  #controlAt = 0;
  #controlEnd = 0;
  #ring: FrameSource[] = [];
  #parts: Buffer[] = [];
  #partBytes = 0;
  #slab: Buffer | undefined;
  #slabStart = 0;
  #slabAt = 0;
  #inFlight = 0;
  #scheduled = false;
  #patient: NodeJS.Timeout | undefined;
  #flushing = false;
  #ended = false;
  #idleWaiters: (() => void)[] = [];

  /** @param overflow called when the peer makes us queue more control frames than CONTROL_QUEUE_LIMIT. */
  constructor(transport: Duplex, overflow: () => void) {
    this.#transport = transport;
    this.#overflow = overflow;
  }

  /** Queues a whole control frame. */
  control(frame: Buffer): void {
    if (this.#ended) return;
    if (this.waiting + frame.length > CONTROL_QUEUE_LIMIT) {
      this.end();
      this.#overflow();
      return;
    }
    if (this.#controlEnd + frame.length > this.#control.length) this.#growControl(frame.length);
    this.#controlEnd += frame.copy(this.#control, this.#controlEnd);
    this.#schedule();
  }

  /** The source has something to send. */
  ready(source: FrameSource): void {
    if (this.#enter(source)) this.#schedule();
  }

  /** Nobody waits for what the source has to send: it leaves with what others send next, or after COMPANY_MS. */
  readyLater(source: FrameSource): void {
    if (!this.#enter(source) || this.#scheduled || this.#patient !== undefined) return;
    this.#patient = setTimeout(() => this.flush(), COMPANY_MS);
  }

  /** For {@link FrameSource.emitFrame}: a header; then exactly `length` bytes by {@link piece} if the type has a payload. */
  header(type: number, flags: number, id: number, length: number): void {
    writeHeader(this.#room(HEADER_BYTES), this.#slabAt, type, flags, id, length);
    this.#slabAt += HEADER_BYTES;
  }

  piece(bytes: Buffer): void {
    if (bytes.length <= COPY_LIMIT) {
      bytes.copy(this.#room(bytes.length), this.#slabAt);
      this.#slabAt += bytes.length;
    } else {
      this.#seal();
      this.#parts.push(bytes);
      this.#partBytes += bytes.length;
    }
  }

  /** Resolves when everything queued so far that may be sent is with the transport. */
  idle(): Promise<void> {
    if (this.#ended || (this.waiting === 0 && this.#ring.length === 0 && this.#inFlight === 0)) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Sends what is there now, without waiting for the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    if (this.#flushing || this.#ended) return;
    clearTimeout(this.#patient);
    this.#patient = undefined;
    this.#flushing = true;
    this.#flushControl();
    let taken = 0;
    while (taken < this.#ring.length && this.#inFlight + this.#partBytes < TRANSPORT_BOUND) {
      const source = this.#ring[taken++] as FrameSource;
      source.queued = false;
      if (source.emitFrame(this) && !source.queued) {
        source.queued = true;
        this.#ring.push(source);
      }
    }
    if (taken === this.#ring.length) this.#ring.length = 0;
    else if (taken > 0) this.#ring.splice(0, taken);
    this.#seal();
    this.#slab = undefined;
    this.#flushing = false;
    this.#write();
    if (this.waiting > 0 || this.#ring.length > 0) this.#schedule();
    else if (this.#inFlight === 0) this.#settleIdle();
  }

  /** Forgets everything: the transport is gone. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#patient);
    this.#control = Buffer.alloc(0);
    this.#controlAt = 0;
    this.#controlEnd = 0;
    this.#ring = [];
    this.#parts = [];
    this.#settleIdle();
  }

  /** Bytes of control frames that wait: few, but for a peer that makes us send them and does not read. */
  get waiting(): number {
    return this.#controlEnd - this.#controlAt;
  }

  /** Whether it had not been in the ring. */
  #enter(source: FrameSource): boolean {
    if (source.queued || this.#ended) return false;
    source.queued = true;
    this.#ring.push(source);
    return true;
  }

  #growControl(bytes: number): void {
    const held = this.#control.subarray(this.#controlAt, this.#controlEnd);
    const grown = Buffer.allocUnsafeSlow(Math.max(CONTROL_FIRST, 2 * (held.length + bytes)));
    held.copy(grown);
    this.#control = grown;
    this.#controlAt = 0;
    this.#controlEnd = held.length;
  }

  /**
   * Control frames may pass the bound by as much again; more waits here, where CONTROL_QUEUE_LIMIT counts it. They may be cut anywhere:
   * while some are left, the bound of the streams' frames is passed, and none of those comes between.
   */
  #flushControl(): void {
    while (this.waiting > 0) {
      const allowed = 2 * TRANSPORT_BOUND - this.#inFlight - this.#partBytes - (this.#slabAt - this.#slabStart);
      if (allowed <= 0) return;
      const bytes = Math.min(this.waiting, allowed, SLAB_LIMIT);
      this.#control.copy(this.#room(bytes), this.#slabAt, this.#controlAt, this.#controlAt + bytes);
      this.#slabAt += bytes;
      this.#controlAt += bytes;
    }
    this.#controlAt = 0;
    this.#controlEnd = 0;
    if (this.#control.length > CONTROL_KEPT) this.#control = Buffer.alloc(0);
  }

  #schedule(): void {
    if (this.#scheduled || this.#flushing) return;
    // What doesn't fit now leaves from the transport's callback.
    if (this.#inFlight >= (this.waiting > 0 ? 2 : 1) * TRANSPORT_BOUND) return;
    this.#scheduled = true;
    setImmediate(() => {
      if (this.#scheduled) this.flush();
    });
  }

  #write(): void {
    const parts = this.#parts;
    const bytes = this.#partBytes;
    const last = parts.pop();
    if (last === undefined) return;
    this.#parts = [];
    this.#partBytes = 0;
    this.#inFlight += bytes;
    this.sent += bytes;
    const done = () => {
      this.#inFlight -= bytes;
      countCarried(bytes);
      if (this.#ended) return;
      if (this.#control.length > 0 || this.#ring.length > 0) this.flush();
      else if (this.#inFlight === 0) this.#settleIdle();
    };
    if (parts.length === 0) {
      this.#transport.write(last, done);
      return;
    }
    this.#transport.cork();
    for (const part of parts) this.#transport.write(part);
    this.#transport.write(last, done);
    this.#transport.uncork();
  }

  /** The slab with room for `bytes` at #slabAt. */
  #room(bytes: number): Buffer {
    if (this.#slab !== undefined && this.#slab.length - this.#slabAt >= bytes) return this.#slab;
    this.#seal();
    const guess = Math.min(SLAB_LIMIT, this.waiting + this.#ring.length * SLAB_PER_FRAME);
    this.#slab = Buffer.allocUnsafe(Math.max(bytes, guess));
    this.#slabStart = 0;
    this.#slabAt = 0;
    return this.#slab;
  }

  /** Turns what is in the slab into a part. */
  #seal(): void {
    if (this.#slab === undefined || this.#slabAt === this.#slabStart) return;
    this.#parts.push(this.#slab.subarray(this.#slabStart, this.#slabAt));
    this.#partBytes += this.#slabAt - this.#slabStart;
    this.#slabStart = this.#slabAt;
  }

  #settleIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

import { Duplex } from 'node:stream';
import { MuxResetError } from './errors.ts';
import { FLAG, FRAME } from './frame.ts';
import { INITIAL_WINDOW, MAX_FRAME_PAYLOAD, STREAM_HIGH_WATER_MARK } from './limits.ts';
import type { FrameSender, FrameSource } from './sender.ts';
import type { ReceiveWindow } from './window.ts';

/** A stream of a session, as its users see it. */
export interface MuxStream extends Duplex {
  readonly id: number;
  /** Ends both directions now; the peer's stream is destroyed with a `MuxResetError` of this reason. */
  reset(reason: string): void;
  /** Why it was reset, by either side. */
  readonly resetReason: string | undefined;
  /** Bytes that wait in it, both ways: for its reader here, and for the peer. */
  readonly waiting: number;
}

/** What a stream needs of its session. */
export interface StreamOwner {
  ready(stream: Stream): void;
  /** It has something to send that nobody waits for. */
  readyLater(stream: Stream): void;
  /** The reader took `bytes`; `held` bytes no longer wait in the stream. */
  consumed(stream: Stream, bytes: number, held: number): void;
  /** The stream is over: forget it; tell the peer why, if there is a reason. */
  gone(stream: Stream, reason: string | undefined): void;
}

type Done = (error?: Error | null) => void;

const SLAB_FIRST = 256;
const SLAB_MOST = 16 * 1024;
/** Less than half of the memory that it keeps. */
const isSparse = (piece: Buffer) => 2 * piece.length < piece.buffer.byteLength;

export class Stream extends Duplex implements MuxStream, FrameSource {
  readonly id: number;
  readonly window: ReceiveWindow;
  queued = false;
  resetReason: string | undefined;
  /** Received bytes that wait for the reader. */
  held = 0;
  #owner: StreamOwner;
  #inbox: Buffer[] = [];
  /** The buffer of the inbox's last entry while it may take more, and how much of it is used. */
  #slab: Buffer | undefined;
  #slabUsed = 0;
  #wanted = false;
  #peerEnded = false;
  #endPushed = false;
  #credit = INITIAL_WINDOW;
  #open: number;
  #outbox: Buffer[] = [];
  #outboxBytes = 0;
  #written: Done | undefined;
  #finish: Done | undefined;
  #finSent = false;
  #tellPeer = true;

  /** @param opens whether the first frame opens the stream (SYN) or accepts it. */
  constructor(id: number, owner: StreamOwner, window: ReceiveWindow, opens: boolean) {
    super({ allowHalfOpen: true, highWaterMark: STREAM_HIGH_WATER_MARK });
    this.id = id;
    this.window = window;
    this.#owner = owner;
    this.#open = opens ? FLAG.syn : 0;
  }

  get waiting(): number {
    return this.held + this.readableLength + this.writableLength;
  }

  get peerEnded(): boolean {
    return this.#peerEnded;
  }

  /** Both directions have ended in the protocol; bytes may still wait for the reader. */
  get settled(): boolean {
    return this.#finSent && this.#peerEnded;
  }

  /** The first payload, sent in the opening frame. */
  openWith(first: Buffer): void {
    this.#outbox.push(first);
    this.#outboxBytes += first.length;
  }

  /** The flag of the opening frame, for whoever sends that frame instead of {@link emitFrame}; 0 when it was sent. */
  takeOpenFlag(): number {
    const flag = this.#open;
    this.#open = 0;
    return flag;
  }

  addCredit(delta: number): boolean {
    this.#credit += delta;
    if (this.#credit > 0xffff_ffff) return false;
    if (this.#outboxBytes > 0) this.#owner.ready(this);
    return true;
  }

  deliver(piece: Buffer): void {
    if (this.destroyed) return;
    if (this.#wanted && this.#inbox.length === 0 && (this.readableLength === 0 || !isSparse(piece))) {
      this.#wanted = this.push(piece);
      this.#owner.consumed(this, piece.length, 0);
    } else {
      this.#keep(piece);
    }
  }

  /** Small pieces are copied together: as they come, each would cost many times its size and keep the chunk that it was cut from. */
  #keep(piece: Buffer): void {
    this.held += piece.length;
    if (!isSparse(piece)) {
      this.#inbox.push(piece);
      this.#slab = undefined;
      return;
    }
    let slab = this.#slab;
    if (slab === undefined || this.#slabUsed + piece.length > slab.length) {
      slab = Buffer.allocUnsafeSlow(Math.max(piece.length, Math.min(SLAB_MOST, 2 * (slab?.length ?? SLAB_FIRST))));
      this.#slab = slab;
      this.#slabUsed = 0;
      this.#inbox.push(slab.subarray(0, 0));
    }
    piece.copy(slab, this.#slabUsed);
    this.#slabUsed += piece.length;
    this.#inbox[this.#inbox.length - 1] = slab.subarray(0, this.#slabUsed);
  }

  deliverEnd(): void {
    this.#peerEnded = true;
    this.#pushEnd();
    if (this.#finSent) this.#owner.gone(this, undefined);
  }

  /** The peer reset it. */
  deliverReset(reason: string): void {
    this.#tellPeer = false;
    this.resetReason ??= reason;
    this.destroy(new MuxResetError(reason));
  }

  /** The session is over. */
  fail(error: Error): void {
    this.#tellPeer = false;
    this.destroy(error);
  }

  reset(reason: string): void {
    if (this.destroyed) return;
    this.resetReason ??= reason;
    this.destroy(new MuxResetError(reason));
  }

  emitFrame(sender: FrameSender): boolean {
    if (this.destroyed) return false;
    const length = Math.min(this.#outboxBytes, this.#credit, MAX_FRAME_PAYLOAD);
    const flags = this.takeOpenFlag();
    if (length > 0) {
      this.#credit -= length;
      sender.header(FRAME.data, flags, this.id, length);
      this.#takeOut(sender, length);
      if (this.#outboxBytes === 0) this.#settleWrite();
    } else if (flags !== 0) {
      sender.header(FRAME.windowUpdate, flags, this.id, 0);
    }
    if (this.#outboxBytes > 0) return this.#credit > 0;
    if (this.#finish === undefined || this.#finSent) return false;
    this.#finSent = true;
    sender.header(FRAME.data, FLAG.fin, this.id, 0);
    const finished = this.#finish;
    this.#finish = undefined;
    finished();
    if (this.#peerEnded) this.#owner.gone(this, undefined);
    return false;
  }

  /** Whoever reads gets also what was kept while earlier bytes still waited for him. */
  override read(size?: number): Buffer | null {
    if (this.#wanted && this.#inbox.length > 0) this.#handOver();
    return super.read(size) as Buffer | null;
  }

  override _read(): void {
    this.#wanted = true;
    this.#handOver();
  }

  #handOver(): void {
    this.#slab = undefined;
    let taken = 0;
    let bytes = 0;
    while (this.#wanted && taken < this.#inbox.length) {
      const piece = this.#inbox[taken++] as Buffer;
      bytes += piece.length;
      this.#wanted = this.push(piece);
    }
    if (taken > 0) {
      if (taken === this.#inbox.length) this.#inbox = [];
      else this.#inbox.splice(0, taken);
      this.held -= bytes;
      this.#owner.consumed(this, bytes, bytes);
    }
    this.#pushEnd();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#outbox.push(chunk);
    this.#outboxBytes += chunk.length;
    this.#queueWrite(done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    for (const { chunk } of chunks) {
      this.#outbox.push(chunk);
      this.#outboxBytes += chunk.length;
    }
    this.#queueWrite(done);
  }

  override _final(done: Done): void {
    this.#finish = done;
    // The peer has sent all that it will: it waits for nothing but to forget the stream.
    if (this.#peerEnded && this.#open === 0) this.#owner.readyLater(this);
    else this.#owner.ready(this);
  }

  override _destroy(error: Error | null, done: Done): void {
    // A stream that was never opened on the wire is unknown to the peer.
    const inSync = this.settled || !this.#tellPeer || this.#open !== 0;
    const reason = inSync ? undefined : (this.resetReason ?? 'aborted');
    this.#inbox = [];
    this.#slab = undefined;
    this.#outbox = [];
    this.#outboxBytes = 0;
    const written = this.#written;
    this.#written = undefined;
    if (this.held > 0) this.#owner.consumed(this, 0, this.held);
    this.held = 0;
    this.#owner.gone(this, reason);
    written?.(error ?? new MuxResetError(reason ?? 'aborted'));
    done(error);
  }

  #queueWrite(done: Done): void {
    this.#written = done;
    if (this.#outboxBytes === 0) this.#settleWrite();
    else if (this.#credit > 0) this.#owner.ready(this);
  }

  #settleWrite(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  #pushEnd(): void {
    if (!this.#peerEnded || this.#endPushed || this.#inbox.length > 0) return;
    this.#endPushed = true;
    this.push(null);
  }

  /** Moves `length` bytes of the outbox to the sender. */
  #takeOut(sender: FrameSender, length: number): void {
    let left = length;
    let taken = 0;
    while (left > 0) {
      const chunk = this.#outbox[taken] as Buffer;
      if (chunk.length <= left) {
        sender.piece(chunk);
        left -= chunk.length;
        taken++;
      } else {
        sender.piece(chunk.subarray(0, left));
        this.#outbox[taken] = chunk.subarray(left);
        left = 0;
      }
    }
    if (taken === this.#outbox.length) this.#outbox = [];
    else if (taken > 0) this.#outbox.splice(0, taken);
    this.#outboxBytes -= length;
  }
}

import type { Duplex } from 'node:stream';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Mux, MuxOptions } from './contract.ts';
import { FrameDecoder, type FrameSink } from './decoder.ts';
import { MuxError } from './errors.ts';
import { encodeFrame, FLAG, FRAME, GO_AWAY } from './frame.ts';
import { INITIAL_WINDOW, LINGER_MS, MAX_STREAMS, MAX_WINDOW, REASON_LIMIT, RTT_REFRESH_MS, SESSION_BUFFER_LIMIT, WINDOW_GROWTH_BUDGET } from './limits.ts';
import { RoundTrip } from './round-trip.ts';
import { FrameSender } from './sender.ts';
import { type MuxStream, Stream, type StreamOwner } from './stream.ts';
import { ReceiveWindow, type WindowPool } from './window.ts';

interface Ping {
  sentAt: number;
  movedBefore: number;
  resolve(ms: number): void;
  reject(error: Error): void;
}

const reasonBytes = (reason: string) => Buffer.from(reason).subarray(0, REASON_LIMIT);

export class Session implements Mux, StreamOwner, FrameSink {
  readonly closed: Promise<Error | undefined>;
  rtt: number | undefined;
  goneAway: string | undefined;
  #transport: Duplex;
  #log: Log;
  #onStream: ((stream: MuxStream) => void) | undefined;
  #initialWindow: number;
  #maxWindow: number;
  #maxStreams: number;
  #parity: number;
  #nextId: number;
  #lastPeerId = 0;
  #streams = new Map<number, Stream>();
  #decoder = new FrameDecoder(this);
  #sender: FrameSender;
  #pool: WindowPool = { growthLeft: WINDOW_GROWTH_BUDGET, rtt: undefined, bareRtt: undefined };
  #roundTrip = new RoundTrip();
  #buffered = 0;
  #pings = new Map<number, Ping>();
  #nextPing = 0;
  #rttAskedAt = Number.NEGATIVE_INFINITY;
  /** The stream whose payload is coming; undefined: nobody's any more, it is dropped. */
  #current: Stream | undefined;
  #currentFlags = 0;
  #announce: Stream | undefined;
  #reason: Buffer[] | undefined;
  #peerReason = '';
  #sentGoAway = false;
  #over = false;
  #finishing = false;
  #settle: (error: Error | undefined) => void;
  #drained: (() => void) | undefined;

  constructor(transport: Duplex, options: MuxOptions) {
    this.#transport = transport;
    this.#log = options.log;
    this.#onStream = options.onStream;
    this.#initialWindow = options.initialWindow ?? INITIAL_WINDOW;
    this.#maxWindow = Math.max(options.maxWindow ?? MAX_WINDOW, this.#initialWindow);
    this.#maxStreams = options.maxStreams ?? MAX_STREAMS;
    if (this.#initialWindow < INITIAL_WINDOW) throw new RangeError(`initialWindow is at least ${INITIAL_WINDOW}`);
    this.#parity = options.role === 'client' ? 1 : 0;
    this.#nextId = options.role === 'client' ? 1 : 2;
    this.#sender = new FrameSender(transport, () => this.abort(new MuxError('protocol', 'the peer floods this side and does not read')));
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    this.#settle = resolve;
    transport.on('error', (error) => this.#lost(error));
    transport.on('close', () => this.#lost(undefined));
    transport.on('end', () => this.#peerDone());
    transport.on('data', (chunk: Buffer) => this.#decoder.push(chunk));
    if (transport.destroyed) this.#lost(undefined);
    else transport.resume();
  }

  get moved(): number {
    return this.#decoder.received + this.#sender.sent;
  }

  get streams(): number {
    return this.#streams.size;
  }

  get waiting(): number {
    return this.#streams.values().reduce((sum, stream) => sum + stream.waiting, this.#sender.waiting);
  }

  shed(): void {
    let most: Stream | undefined;
    for (const stream of this.#streams.values()) if (most === undefined || stream.waiting > most.waiting) most = stream;
    if (most !== undefined && most.waiting >= this.#sender.waiting) most.reset('overload');
    else this.abort(new MuxError('protocol', 'the peer does not read'));
  }

  open(first?: Uint8Array): MuxStream {
    if (this.#over || this.#sentGoAway || this.goneAway !== undefined) throw new MuxError('closed', 'the session is closed');
    if (this.#streams.size >= this.#maxStreams || this.#nextId > 0xffff_fff0) throw new MuxError('too-many-streams', `${this.#streams.size} streams are open`);
    const stream = this.#create(this.#nextId, true);
    this.#nextId += 2;
    if (first !== undefined && first.length > 0) stream.openWith(Buffer.from(first.buffer, first.byteOffset, first.length));
    const extra = this.#initialWindow - INITIAL_WINDOW;
    if (extra > 0) this.#sender.control(encodeFrame(FRAME.windowUpdate, stream.takeOpenFlag(), stream.id, extra));
    this.#sender.ready(stream);
    return stream;
  }

  ping(options: { signal?: AbortSignal } = {}): Promise<number> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(new MuxError('closed', 'the session is closed'));
      if (signal?.aborted) return reject(signal.reason);
      const id = this.#nextPing;
      this.#nextPing = (this.#nextPing + 1) >>> 0;
      const stop = () => {
        this.#pings.delete(id);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', stop, { once: true });
      const clean = () => signal?.removeEventListener('abort', stop);
      this.#pings.set(id, {
        sentAt: performance.now(),
        movedBefore: this.moved,
        resolve: (ms) => {
          clean();
          resolve(ms);
        },
        reject: (error) => {
          clean();
          reject(error);
        },
      });
      this.#sender.control(encodeFrame(FRAME.ping, FLAG.syn, 0, id));
    });
  }

  goAway(reason: string): void {
    this.#sendGoAway(GO_AWAY.normal, reason);
  }

  async close(options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    const stop = () => this.abort(new MuxError('closed', 'the session was closed before its streams ended'));
    if (signal?.aborted) stop();
    if (this.#over) return;
    signal?.addEventListener('abort', stop, { once: true });
    this.goAway('closed');
    if (this.#streams.size > 0) await Promise.race([this.closed, new Promise<void>((resolve) => (this.#drained = resolve))]);
    if (!this.#over) {
      await this.#sender.idle();
      this.#finish();
      await this.closed;
    }
    signal?.removeEventListener('abort', stop);
  }

  abort(error: Error): void {
    this.#end(error, error);
  }

  // What streams ask for.

  ready(stream: Stream): void {
    this.#sender.ready(stream);
  }

  readyLater(stream: Stream): void {
    this.#sender.readyLater(stream);
  }

  consumed(stream: Stream, bytes: number, held: number): void {
    this.#buffered -= held;
    if (bytes === 0 || this.#over || stream.peerEnded || stream.destroyed) return;
    const now = performance.now();
    const delta = stream.window.consumed(bytes, now, this.#pool);
    if (delta === 0) return;
    this.#sender.control(encodeFrame(FRAME.windowUpdate, 0, stream.id, delta));
    this.#measure(now);
  }

  gone(stream: Stream, reason: string | undefined): void {
    if (!this.#streams.delete(stream.id)) return;
    stream.window.release(this.#pool);
    if (this.#current === stream) this.#current = undefined;
    if (reason !== undefined && !this.#over) this.#sendReset(stream.id, reason);
    if (this.#streams.size === 0) this.#drained?.();
  }

  // What the decoder found.

  header(type: number, flags: number, id: number, length: number): void {
    if (type === FRAME.data) this.#dataHeader(flags, id, length);
    else if (type === FRAME.windowUpdate) this.#windowUpdate(flags, id, length);
    else if (type === FRAME.ping) this.#pinged(flags, length);
    else this.#goneAway(length);
  }

  payload(piece: Buffer, last: boolean): void {
    if (this.#reason !== undefined) {
      this.#reason.push(Buffer.from(piece));
    } else if (this.#current !== undefined) {
      const before = this.#current.held;
      this.#current.deliver(piece);
      if (this.#current !== undefined) this.#buffered += this.#current.held - before;
      if (this.#buffered > SESSION_BUFFER_LIMIT) this.shed();
      this.#announceStream();
    }
    if (last) this.#frameDone();
  }

  malformed(message: string): void {
    this.#violation(message);
  }

  #dataHeader(flags: number, id: number, length: number): void {
    this.#reason = undefined;
    this.#current = undefined;
    this.#currentFlags = flags;
    if (id === 0 || (flags & FLAG.rst) !== 0) {
      if (length > REASON_LIMIT) return this.#violation('a reason is too long');
      this.#reason = [];
      if (id !== 0) this.#current = this.#find(id, flags);
    } else {
      const stream = this.#find(id, flags);
      this.#current = stream;
      if (stream !== undefined) {
        if (stream.peerEnded) return this.#violation(`data after the end of stream ${id}`);
        if (length > stream.window.credit) return this.#violation(`stream ${id} overran its window`);
        stream.window.credit -= length;
      }
    }
    if (length === 0 && !this.#decoder.stopped) {
      this.#announceStream();
      this.#frameDone();
    }
  }

  #frameDone(): void {
    const stream = this.#current;
    const reason = this.#reason;
    this.#current = undefined;
    this.#reason = undefined;
    if (reason !== undefined) {
      const text = Buffer.concat(reason).toString();
      if ((this.#currentFlags & FLAG.rst) !== 0) stream?.deliverReset(text === '' ? 'aborted' : text);
      else this.#peerReason = text;
    } else if ((this.#currentFlags & FLAG.fin) !== 0) {
      stream?.deliverEnd();
    }
  }

  #windowUpdate(flags: number, id: number, delta: number): void {
    const stream = this.#find(id, flags);
    if (stream === undefined) return;
    if ((flags & FLAG.rst) !== 0) return stream.deliverReset('aborted');
    if (!stream.addCredit(delta)) return this.#violation(`too much credit for stream ${id}`);
    this.#announceStream();
    if ((flags & FLAG.fin) !== 0 && !stream.peerEnded) stream.deliverEnd();
  }

  #pinged(flags: number, id: number): void {
    if ((flags & FLAG.ack) === 0) return this.#sender.control(encodeFrame(FRAME.ping, FLAG.ack, 0, id));
    const ping = this.#pings.get(id);
    if (ping === undefined) return;
    this.#pings.delete(id);
    this.rtt = performance.now() - ping.sentAt;
    this.#roundTrip.add(this.rtt, this.moved - ping.movedBefore);
    this.#pool.rtt = this.rtt;
    this.#pool.bareRtt = this.#roundTrip.shortest;
    ping.resolve(this.rtt);
  }

  #goneAway(code: number): void {
    this.goneAway ??= this.#peerReason === '' ? `code ${code}` : this.#peerReason;
    if (code !== GO_AWAY.normal) this.#end(new MuxError('protocol', `the peer ended the session: ${this.goneAway}`), undefined);
  }

  /** The stream of a frame, made if it opens one; undefined if it is over, or was refused. */
  #find(id: number, flags: number): Stream | undefined {
    const theirs = id % 2 !== this.#parity;
    if ((flags & FLAG.syn) !== 0) return this.#accept(id, theirs, (flags & FLAG.rst) !== 0);
    const stream = this.#streams.get(id);
    if (stream === undefined && (id === 0 || (theirs ? id > this.#lastPeerId : id >= this.#nextId)))
      this.#violation(`frame for stream ${id}, which was never opened`);
    return stream;
  }

  #accept(id: number, theirs: boolean, reset: boolean): Stream | undefined {
    if (id === 0 || !theirs || id <= this.#lastPeerId) {
      this.#violation(`stream ${id} can't be opened`);
      return undefined;
    }
    this.#lastPeerId = id;
    if (reset) return undefined;
    if (this.#sentGoAway || this.#onStream === undefined) {
      this.#sendReset(id, 'gone');
      return undefined;
    }
    if (this.#streams.size >= this.#maxStreams) {
      this.#sendReset(id, 'overload');
      return undefined;
    }
    this.#announce = this.#create(id, false);
    const extra = this.#initialWindow - INITIAL_WINDOW;
    if (extra > 0) this.#sender.control(encodeFrame(FRAME.windowUpdate, 0, id, extra));
    return this.#announce;
  }

  /** Hands a new stream over once its first bytes are in it. */
  #announceStream(): void {
    const stream = this.#announce;
    if (stream === undefined) return;
    this.#announce = undefined;
    try {
      this.#onStream?.(stream);
    } catch (error) {
      this.#log.error('a new stream could not be handled', { error: messageOf(error) });
      stream.reset('aborted');
    }
  }

  #create(id: number, opens: boolean): Stream {
    const stream = new Stream(id, this, new ReceiveWindow(this.#initialWindow, this.#maxWindow, performance.now()), opens);
    // A peer's reset must not end the process where a user of the stream only waits for 'close'.
    stream.on('error', (error) => this.#log.trace('stream failed', { id, error: error.message }));
    this.#streams.set(id, stream);
    return stream;
  }

  #measure(now: number): void {
    if (now - this.#rttAskedAt < RTT_REFRESH_MS) return;
    this.#rttAskedAt = now;
    this.ping().catch((error: unknown) => this.#log.trace('ping went unanswered', { error: messageOf(error) }));
  }

  #sendReset(id: number, reason: string): void {
    const bytes = reasonBytes(reason);
    this.#sender.control(encodeFrame(FRAME.data, FLAG.rst, id, bytes.length, bytes));
  }

  #sendGoAway(code: number, reason: string): void {
    if (this.#sentGoAway || this.#over) return;
    this.#sentGoAway = true;
    const bytes = reasonBytes(reason);
    this.#sender.control(encodeFrame(FRAME.data, 0, 0, bytes.length, bytes));
    this.#sender.control(encodeFrame(FRAME.goAway, 0, 0, code));
  }

  #violation(message: string): void {
    if (this.#over) return;
    this.#decoder.stopped = true;
    this.#log.warn('the peer broke the mux protocol', { message });
    this.#sentGoAway = false;
    this.#sendGoAway(GO_AWAY.protocol, message);
    this.#sender.flush();
    this.#end(new MuxError('protocol', message), undefined);
  }

  #finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    const timer = setTimeout(() => this.#transport.destroy(), LINGER_MS);
    this.#transport.once('close', () => clearTimeout(timer));
    this.#transport.end();
  }

  #peerDone(): void {
    if (this.#over) return;
    const clean = this.#streams.size === 0 && (this.#sentGoAway || this.goneAway !== undefined);
    this.#end(clean ? undefined : new MuxError('lost', 'the peer ended the connection'), undefined);
  }

  #lost(error: Error | undefined): void {
    const clean = error === undefined && this.#streams.size === 0 && (this.#sentGoAway || this.goneAway !== undefined);
    this.#end(
      clean ? undefined : new MuxError('lost', error === undefined ? 'the connection was lost' : `the connection was lost: ${error.message}`, error),
      error,
    );
  }

  /** @param hard the transport is destroyed with it; undefined: it is ended, with what was written to it. */
  #end(error: Error | undefined, hard: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#decoder.stopped = true;
    this.#sender.end();
    const why = error ?? new MuxError('closed', 'the session is closed');
    for (const ping of this.#pings.values()) ping.reject(why);
    this.#pings.clear();
    for (const stream of [...this.#streams.values()]) stream.fail(why);
    this.#streams.clear();
    this.#drained?.();
    this.#settle(error);
    if (hard !== undefined) this.#transport.destroy();
    else if (!this.#transport.destroyed) this.#finish();
  }
}

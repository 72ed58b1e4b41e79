import { CHUNK_EXTENSION_LIMIT, CHUNK_SIZE_DIGITS, TRAILER_LIMIT } from './limits.ts';
import type { Framing } from './request-head.ts';

const CR = 13;
const LF = 10;
const TRAILER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*$/;
/** What decides about framing or routing must stand in the head (RFC 9110 6.5.1). */
const NOT_IN_TRAILERS = /^(?:content[-_]length|transfer[-_]encoding|host|connection|upgrade|trailer|te):/i;

const STATE = { size: 0, digits: 1, extension: 2, sizeLf: 3, data: 4, dataCr: 5, dataLf: 6, trailer: 7, trailerLf: 8 } as const;

/** Finds where a message's body ends in the bytes that pass by. Keeps no bytes, except of trailers while they are incomplete. */
export class BodyTracker {
  /** The whole body has passed. */
  done: boolean;
  /** Why the body can't be followed; nothing behind it has a meaning. */
  fault: string | undefined;
  /** Bytes of the body have passed. */
  started = false;
  readonly #chunked: boolean;
  readonly #lenient: boolean;
  #left: number;
  #state: number = STATE.size;
  #digits = 0;
  #extension = 0;
  #line = '';
  #trailer = 0;

  /** @param lenient spaces behind a chunk size are no fault (servers that pad it) */
  constructor(framing: Framing, options: { lenient?: boolean } = {}) {
    this.#chunked = framing.kind === 'chunked';
    this.#lenient = options.lenient ?? false;
    this.#left = framing.kind === 'length' ? framing.length : framing.kind === 'until-close' ? Number.POSITIVE_INFINITY : 0;
    this.done = framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
  }

  /** Index behind the last byte of `buffer` from `from` on that belongs to the body. */
  consume(buffer: Buffer, from: number): number {
    if (this.done || from === buffer.length) return from;
    this.started = true;
    if (this.#chunked) return this.#consumeChunks(buffer, from);
    const taken = Math.min(this.#left, buffer.length - from);
    this.#left -= taken;
    if (this.#left === 0) this.done = true;
    return from + taken;
  }

  #consumeChunks(buffer: Buffer, from: number): number {
    let at = from;
    while (at < buffer.length) {
      if (this.#state === STATE.data) {
        const taken = Math.min(this.#left, buffer.length - at);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#state = STATE.dataCr;
        continue;
      }
      if (!this.#step(buffer[at++] as number)) return at;
    }
    return at;
  }

  /** One byte that is not data; false when the body is over, or has a fault. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case STATE.size:
      case STATE.digits:
        return this.#sizeByte(byte);
      case STATE.extension:
        if (byte === CR) this.#state = STATE.sizeLf;
        else if ((byte < 32 && byte !== 9) || byte === 127) return this.#fail('a control character in a chunk extension');
        else if (++this.#extension > CHUNK_EXTENSION_LIMIT) return this.#fail('too long chunk extensions');
        return true;
      case STATE.sizeLf:
        if (byte !== LF) return this.#fail('a chunk size that does not end with CR LF');
        this.#state = this.#left === 0 ? STATE.trailer : STATE.data;
        return true;
      case STATE.dataCr:
        if (byte !== CR) return this.#fail('a chunk longer than its size');
        this.#state = STATE.dataLf;
        return true;
      case STATE.dataLf:
        if (byte !== LF) return this.#fail('a chunk that does not end with CR LF');
        this.#state = STATE.size;
        this.#digits = 0;
        return true;
      case STATE.trailer:
        if (byte === CR) this.#state = STATE.trailerLf;
        else if (byte === LF) return this.#fail('a trailer that ends without CR');
        else if (++this.#trailer > TRAILER_LIMIT) return this.#fail('too long trailers');
        else this.#line += String.fromCharCode(byte);
        return true;
      default:
        return this.#trailerLine(byte);
    }
  }

  #sizeByte(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      if (++this.#digits > CHUNK_SIZE_DIGITS) return this.#fail('a too long chunk size');
      this.#left = (this.#state === STATE.size ? 0 : this.#left * 16) + digit;
      this.#state = STATE.digits;
      return true;
    }
    if (this.#state === STATE.size) return this.#fail('an invalid chunk size');
    if (byte === CR) this.#state = STATE.sizeLf;
    else if (byte === 0x3b || (this.#lenient && byte === 32)) this.#state = STATE.extension;
    else return this.#fail('an invalid chunk size');
    return true;
  }

  #trailerLine(byte: number): boolean {
    if (byte !== LF) return this.#fail('a trailer that ends without CR');
    if (this.#line === '') {
      this.done = true;
      return false;
    }
    if (!TRAILER.test(this.#line) || NOT_IN_TRAILERS.test(this.#line)) return this.#fail('an invalid trailer');
    this.#line = '';
    this.#state = STATE.trailer;
    return true;
  }

  #fail(fault: string): false {
    this.fault = fault;
    return false;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

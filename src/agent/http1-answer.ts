import { BadMessage, BodyTracker, parseResponseHead, RESPONSE_HEAD_LIMIT, type RequestHead, type ResponseHead, responseHeadEnd } from '../http/index.ts';
import type { End } from './http-end.ts';

const LF = 10;
const BEGIN = Buffer.from('HTTP/1.');

/**
 * The answer to one request, on its way to the client: informational heads, the final head with the proof put in, the body. Bytes are
 * passed on as they came.
 */
export class Http1Answer {
  /** Something came: the request has reached a server. */
  answered = false;
  /** Bytes were passed to the client. */
  passed = false;
  /** 100 Continue was passed on. */
  continued = false;
  head: ResponseHead | undefined;
  /** All of it was passed on. */
  done = false;
  /** It can't be understood (`strict`), or its body broke off. */
  fault = false;
  /** The server sent more than the answer. */
  excess = false;
  readonly #client: End;
  readonly #request: RequestHead;
  readonly #upgrade: boolean;
  readonly #proof: Buffer | undefined;
  readonly #strict: boolean;
  #body: BodyTracker | undefined;
  #held: Buffer | undefined;

  /** @param options.strict what is not HTTP is a fault; else it is passed on until the server closes */
  constructor(client: End, request: RequestHead, options: { upgrade: boolean; proof?: Buffer | undefined; strict: boolean }) {
    this.#client = client;
    this.#request = request;
    this.#upgrade = options.upgrade;
    this.#proof = options.proof;
    this.#strict = options.strict;
  }

  bytes(chunk: Buffer, from: End): void {
    this.answered = true;
    if (this.#body !== undefined) this.#pass(chunk, 0, [], from);
    else this.#headBytes(this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]), from);
  }

  /** The server sends no more: whether the answer is whole. */
  ended(): boolean {
    if (this.#body !== undefined && this.head?.body.kind === 'until-close') this.done = true;
    else if (this.#held !== undefined && !this.#strict) this.#client.write(this.#held, undefined);
    return this.done;
  }

  #headBytes(buffer: Buffer, from: End): void {
    let at = 0;
    for (;;) {
      const end = responseHeadEnd(buffer, at);
      const parsed = end === -1 ? undefined : parseResponseHead(buffer, at, end, this.#request.method, this.#upgrade);
      if (parsed === undefined && buffer.length - at <= RESPONSE_HEAD_LIMIT && mayBeHead(buffer, at)) {
        this.#held = Buffer.from(buffer.subarray(at));
        if (at > 0) this.#write([buffer.subarray(0, at)], from);
        return;
      }
      this.#held = undefined;
      if (parsed === undefined || parsed instanceof BadMessage) return this.#notHttp(buffer, from);
      if (parsed.status >= 200 || parsed.tunnel) return this.#final(parsed, buffer, at, end, from);
      if (parsed.status === 100) this.continued = true;
      at = end;
      if (at === buffer.length) return this.#write([buffer], from);
    }
  }

  #final(head: ResponseHead, buffer: Buffer, at: number, end: number, from: End): void {
    this.head = head;
    // A tunnel's bytes have no end that is to be found.
    this.#body = new BodyTracker(head.tunnel ? { kind: 'until-close' } : head.body, { lenient: true });
    if (this.#proof === undefined) return this.#pass(buffer, end, [], from);
    const line = buffer.indexOf(LF, at) + 1;
    this.#pass(buffer, end, [line, this.#proof], from);
  }

  /** Passes on `buffer`, whose body begins at `body`; `insert`: bytes to put in at an index. */
  #pass(buffer: Buffer, body: number, insert: readonly [number, Buffer] | readonly [], from: End): void {
    const tracker = this.#body as BodyTracker;
    const end = tracker.consume(buffer, body);
    const [at, bytes] = insert;
    if (at === undefined) this.#write([end === buffer.length ? buffer : buffer.subarray(0, end)], from);
    else this.#write([buffer.subarray(0, at), bytes as Buffer, buffer.subarray(at, end)], from);
    if (tracker.fault !== undefined) this.fault = true;
    else if (tracker.done) this.done = true;
    if (end < buffer.length) this.excess = true;
  }

  #notHttp(buffer: Buffer, from: End): void {
    if (this.#strict) {
      this.fault = true;
      return;
    }
    this.head = { status: 0, body: { kind: 'until-close' }, persistent: false, tunnel: false };
    this.#body = new BodyTracker(this.head.body);
    this.#pass(buffer, 0, [], from);
  }

  #write(chunks: Buffer[], from: End): void {
    this.passed = true;
    if (chunks.length === 1) this.#client.write(chunks[0] as Buffer, from);
    else this.#client.writeAll(chunks, from);
  }
}

function mayBeHead(buffer: Buffer, at: number): boolean {
  const length = Math.min(BEGIN.length, buffer.length - at);
  return buffer.compare(BEGIN, 0, length, at, at + length) === 0;
}

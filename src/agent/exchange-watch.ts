import { BadMessage, BodyTracker, detect, parseResponseHead, RESPONSE_HEAD_LIMIT, type RequestHead, responseHeadEnd } from '../http/index.ts';
import { type Request, RequestReader } from './http1-reader.ts';

/**
 * Watches a connection's bytes pass by and knows when it stands between two HTTP/1.1 exchanges: every request has its whole answer, none
 * has begun, and both sides let the connection live on. Another server may go on there. Changes nothing; where it can't follow, or the
 * connection carries something else, {@link between} is false for ever.
 */
export class ExchangeWatch {
  readonly #requests = new RequestReader();
  readonly #unanswered: RequestHead[] = [];
  #started = false;
  #blind = false;
  /** Of the request that is being sent. */
  #sending: BodyTracker | undefined;
  /** Of the answer that is coming. */
  #coming: BodyTracker | undefined;
  #head: Buffer | undefined;

  get between(): boolean {
    const busy = this.#sending !== undefined || this.#coming !== undefined || this.#head !== undefined;
    return this.#started && !this.#blind && !busy && this.#unanswered.length === 0 && this.#requests.stash.length === 0;
  }

  /** The client's bytes. */
  up(chunk: Buffer): void {
    if (this.#blind) return;
    if (!this.#started) {
      this.#started = true;
      if (detect(chunk) !== 'http1') this.#blind = true;
    }
    let rest: Buffer | undefined = chunk;
    while (!this.#blind) {
      if (this.#sending !== undefined && rest !== undefined) rest = this.#body(this.#sending, rest);
      if (this.#sending !== undefined) return;
      const request: Request | BadMessage | undefined = this.#requests.next(rest);
      rest = undefined;
      if (request === undefined) return;
      if (request instanceof BadMessage || !request.head.persistent || request.head.upgrade !== undefined) this.#blind = true;
      else {
        this.#unanswered.push(request.head);
        if (!request.body.done) this.#sending = request.body;
      }
    }
  }

  #body(body: BodyTracker, chunk: Buffer): Buffer | undefined {
    const used = body.consume(chunk, 0);
    if (body.fault !== undefined) this.#blind = true;
    if (body.done) this.#sending = undefined;
    return used < chunk.length ? chunk.subarray(used) : undefined;
  }

  /** The server's bytes. */
  down(chunk: Buffer): void {
    let buffer = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = undefined;
    while (!this.#blind && buffer.length > 0) {
      const at = this.#coming === undefined ? this.#answerBegins(buffer) : 0;
      if (at === undefined) return;
      if (this.#coming === undefined) {
        buffer = buffer.subarray(at);
        continue;
      }
      const used = this.#coming.consume(buffer, at);
      if (this.#coming.fault !== undefined) this.#blind = true;
      if (this.#coming.done) this.#answered();
      buffer = buffer.subarray(used);
    }
  }

  /** Index behind a head; undefined while there is none, or it can't be followed. */
  #answerBegins(buffer: Buffer): number | undefined {
    const [request] = this.#unanswered;
    const end = responseHeadEnd(buffer, 0);
    if (request !== undefined && end === -1 && buffer.length <= RESPONSE_HEAD_LIMIT) {
      this.#head = Buffer.from(buffer);
      return undefined;
    }
    const head = request === undefined || end === -1 ? undefined : parseResponseHead(buffer, 0, end, request.method, false);
    if (head === undefined || head instanceof BadMessage || !head.persistent || head.tunnel) {
      this.#blind = true;
      return undefined;
    }
    if (head.status < 200) return end;
    const body = new BodyTracker(head.body, { lenient: true });
    this.#coming = body;
    if (body.done) this.#answered();
    return end;
  }

  #answered(): void {
    this.#coming = undefined;
    this.#unanswered.shift();
  }
}

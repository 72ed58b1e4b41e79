import { BadMessage, BodyTracker, parseRequestHead, REQUEST_HEAD_LIMIT, type RequestHead, withoutHttp2Upgrade } from '../http/index.ts';
import { Stash } from './http-stash.ts';

const CR = 13;
const LF = 10;
const HEAD_END = Buffer.from('\r\n\r\n');
const HTTP2_UPGRADE = /(?:^|,)\s*h2c\s*(?:,|$)/;

export interface Request {
  readonly head: RequestHead;
  /** Follows the body; it has seen what of it is in `bytes`. */
  readonly body: BodyTracker;
  /** The head and what is there of the body, as they are to be sent. */
  readonly bytes: Buffer;
}

/** Finds requests in a client's bytes. What is not yet understood, or not yet wanted, waits in the stash. */
export class RequestReader {
  readonly stash = new Stash();
  /** Bytes of the stash that were searched for a head's end. */
  #searched = 0;

  /**
   * The next request, with its whole head; undefined while that is not there. Bytes behind it go to the stash before this returns.
   * @param chunk new bytes, behind those of the stash
   */
  next(chunk?: Buffer): Request | BadMessage | undefined {
    if (chunk !== undefined && this.stash.length > 0) this.stash.append(chunk);
    const direct = chunk !== undefined && this.stash.length === 0;
    const buffer = direct ? chunk : this.stash.view();
    const result = this.#read(buffer);
    const used = result.used;
    if (!direct) this.stash.drop(used);
    else if (used < buffer.length) this.stash.append(used === 0 ? buffer : buffer.subarray(used));
    return result.request;
  }

  #read(buffer: Buffer): { request?: Request | BadMessage; used: number } {
    let at = 0;
    // RFC 9112 2.2: empty lines before a request line.
    while (buffer[at] === CR && buffer[at + 1] === LF) at += 2;
    const blank = buffer.indexOf(HEAD_END, Math.max(at, this.#searched - HEAD_END.length));
    if (blank === -1) {
      if (buffer.length - at > REQUEST_HEAD_LIMIT) return { request: new BadMessage('a too long head'), used: at };
      if (hasBareLf(buffer, Math.max(at, this.#searched - 1))) return { request: new BadMessage('a line that ends without CR'), used: at };
      this.#searched = buffer.length - at;
      return { used: at };
    }
    this.#searched = 0;
    const end = blank + HEAD_END.length;
    if (end - at > REQUEST_HEAD_LIMIT) return { request: new BadMessage('a too long head'), used: end };
    const head = parseRequestHead(buffer, at, end);
    if (head instanceof BadMessage) return { request: head, used: end };
    const body = new BodyTracker(head.body);
    const used = body.consume(buffer, end);
    if (body.fault !== undefined) return { request: new BadMessage(body.fault), used };
    if (head.upgrade === undefined || !HTTP2_UPGRADE.test(head.upgrade))
      return { request: { head, body, bytes: at === 0 && used === buffer.length ? buffer : buffer.subarray(at, used) }, used };
    const text = withoutHttp2Upgrade(head.text);
    const bytes = Buffer.concat([Buffer.from(text, 'latin1'), buffer.subarray(end, used)]);
    return { request: { head: { ...head, text, upgrade: undefined }, body, bytes }, used };
  }
}

function hasBareLf(buffer: Buffer, from: number): boolean {
  for (let at = buffer.indexOf(LF, from); at !== -1; at = buffer.indexOf(LF, at + 1)) if (at === 0 || buffer[at - 1] !== CR) return true;
  return false;
}

import { BadMessage, type Framing } from './request-head.ts';

export interface ResponseHead {
  readonly status: number;
  readonly body: Framing;
  /** Whether the server lets the connection live on. */
  readonly persistent: boolean;
  /** From here on the connection carries another protocol. */
  readonly tunnel: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [^\n]*)?\r?\n/;
const CRLF_END = Buffer.from('\r\n\r\n');
const CR = 13;
const LF = 10;
const LENGTH = /^[0-9]{1,15}$/;

/** Index behind the blank line of the head that begins at `from`; -1 while there is none. Servers that end lines with LF only are understood. */
export function responseHeadEnd(buffer: Buffer, from: number): number {
  const mixed = buffer.indexOf(CRLF_END, from);
  // A head whose lines end with LF may stand before bytes that only look like another's end.
  for (let at = buffer.indexOf(LF, from); at !== -1 && (mixed === -1 || at < mixed); at = buffer.indexOf(LF, at + 1)) {
    if (buffer[at + 1] === LF) return at + 2;
    if (buffer[at + 1] === CR && buffer[at + 2] === LF) return at + 3;
    // Its first line tells how its lines end.
    if (buffer[at - 1] === CR && mixed !== -1) break;
  }
  return mixed === -1 ? -1 : mixed + CRLF_END.length;
}

/**
 * Parses a response's head, as latin1. More lenient than with requests: whatever the server means, it says to one client only.
 * @param method of the request that is answered, @param upgrade whether it asked for another protocol
 */
export function parseResponseHead(text: string, method: string, upgrade: boolean): ResponseHead | BadMessage {
  const line = STATUS_LINE.exec(text);
  if (line === null) return new BadMessage('no status line');
  const status = Number(line[2]);
  let length: string | undefined;
  let coding: string | undefined;
  let persistent = line[1] === '1';
  for (let at = line[0].length; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const colon = text.indexOf(':', at);
    if (colon !== -1 && colon < end) {
      const size = colon - at;
      if (size === 10 || size === 14 || size === 17) {
        const name = text.slice(at, colon).toLowerCase();
        const value = text
          .slice(colon + 1, end)
          .trim()
          .toLowerCase();
        if (name === 'content-length') {
          for (const one of value.split(',')) {
            const digits = one.trim();
            if (!LENGTH.test(digits) || (length !== undefined && Number(length) !== Number(digits))) return new BadMessage('an unclear Content-Length');
            length = digits;
          }
        } else if (name === 'transfer-encoding') {
          coding = coding === undefined ? value : `${coding},${value}`;
        } else if (name === 'connection') {
          if (/(?:^|,)\s*close\s*(?:,|$)/.test(value)) persistent = false;
          else if (line[1] === '0' && /(?:^|,)\s*keep-alive\s*(?:,|$)/.test(value)) persistent = true;
        }
      }
    }
    at = end + 1;
  }
  const none: Framing = { kind: 'none' };
  if (status === 101) return upgrade ? { status, body: none, persistent: false, tunnel: true } : new BadMessage('a change of protocols that nobody asked for');
  if (method === 'CONNECT' && status >= 200 && status < 300) return { status, body: none, persistent: false, tunnel: true };
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return { status, body: none, persistent, tunnel: false };
  if (coding !== undefined) {
    const chunked = /(?:^|,)\s*chunked$/.test(coding);
    // A length beside it is a fault; the connection ends with this response.
    return { status, body: { kind: chunked ? 'chunked' : 'until-close' }, persistent: persistent && chunked && length === undefined, tunnel: false };
  }
  if (length !== undefined) return { status, body: { kind: 'length', length: Number(length) }, persistent, tunnel: false };
  return { status, body: { kind: 'until-close' }, persistent: false, tunnel: false };
}

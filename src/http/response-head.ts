import { COLON, CR, isWord, LF, SPACE, word } from './bytes.ts';
import { LENGTH_DIGITS } from './limits.ts';
import { BadMessage, type Framing } from './request-head.ts';

export interface ResponseHead {
  readonly status: number;
  readonly body: Framing;
  /** Whether the server lets the connection live on. */
  readonly persistent: boolean;
  /** From here on the connection carries another protocol. */
  readonly tunnel: boolean;
}

const CRLF_END = Buffer.from('\r\n\r\n');
const VERSION = Buffer.from('HTTP/1.');
const CONNECTION = word('connection');
const CONTENT_LENGTH = word('content-length');
const TRANSFER_ENCODING = word('transfer-encoding');
const KEEP_ALIVE = word('keep-alive');
const ZERO = 48;
const NINE = 57;
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
 * Parses the response's head that stands in `bytes` from `from` to `end`. More lenient than with requests: whatever the server means, it
 * says to one client only.
 * @param method of the request that is answered, @param upgrade whether it asked for another protocol
 */
export function parseResponseHead(bytes: Buffer, from: number, end: number, method: string, upgrade: boolean): ResponseHead | BadMessage {
  const minor = minorVersion(bytes, from);
  const status = statusCode(bytes, from);
  if (minor === undefined || status === undefined) return new BadMessage('no status line');
  let length: number | undefined;
  let coding: string | undefined;
  let persistent = minor === 1;
  for (let at = bytes.indexOf(LF, from) + 1; at < end; ) {
    let to = at;
    let colon = -1;
    for (let byte = bytes[to]; byte !== LF && to < end; byte = bytes[++to]) if (byte === COLON && colon === -1) colon = to;
    const size = colon - at;
    if (size === CONTENT_LENGTH.length && isWord(bytes, at, CONTENT_LENGTH)) {
      const given = lengthOf(bytes, colon + 1, to);
      if (given === undefined || (length !== undefined && length !== given)) return new BadMessage('an unclear Content-Length');
      length = given;
    } else if (size === TRANSFER_ENCODING.length && isWord(bytes, at, TRANSFER_ENCODING)) {
      const value = lowerValue(bytes, colon + 1, to);
      coding = coding === undefined ? value : `${coding},${value}`;
    } else if (size === CONNECTION.length && isWord(bytes, at, CONNECTION)) {
      if (minor === 0 || !isKeepAlive(bytes, colon + 1, to)) {
        const value = lowerValue(bytes, colon + 1, to);
        if (/(?:^|,)\s*close\s*(?:,|$)/.test(value)) persistent = false;
        else if (minor === 0 && /(?:^|,)\s*keep-alive\s*(?:,|$)/.test(value)) persistent = true;
      }
    }
    at = to + 1;
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
  if (length !== undefined) return { status, body: { kind: 'length', length }, persistent, tunnel: false };
  return { status, body: { kind: 'until-close' }, persistent: false, tunnel: false };
}

/** Of a first line that begins as a status line does. */
function minorVersion(bytes: Buffer, from: number): 0 | 1 | undefined {
  for (let i = 0; i < VERSION.length; i++) if (bytes[from + i] !== VERSION[i]) return undefined;
  const minor = (bytes[from + VERSION.length] as number) - ZERO;
  return (minor === 0 || minor === 1) && bytes[from + VERSION.length + 1] === SPACE ? minor : undefined;
}

/** Three digits, and behind them a reason or the line's end. */
function statusCode(bytes: Buffer, from: number): number | undefined {
  const at = from + VERSION.length + 2;
  let status = 0;
  for (let i = at; i < at + 3; i++) {
    const byte = bytes[i] as number;
    if (byte < ZERO || byte > NINE) return undefined;
    status = status * 10 + byte - ZERO;
  }
  const next = bytes[at + 3];
  const ends = next === SPACE || next === LF || (next === CR && bytes[at + 4] === LF);
  return ends && status >= 100 ? status : undefined;
}

/** The one length that a value says, once or several times. */
function lengthOf(bytes: Buffer, from: number, to: number): number | undefined {
  let at = from;
  while (bytes[at] === SPACE) at++;
  const begin = at;
  let value = 0;
  for (let byte = bytes[at] as number; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number) value = value * 10 + byte - ZERO;
  if (at > begin && at - begin <= LENGTH_DIGITS && (at === to || (bytes[at] === CR && at + 1 === to))) return value;
  let length: number | undefined;
  for (const one of lowerValue(bytes, from, to).split(',')) {
    const digits = one.trim();
    if (!LENGTH.test(digits) || (length !== undefined && length !== Number(digits))) return undefined;
    length = Number(digits);
  }
  return length;
}

/** The commonest value, seen without making a string of it. */
function isKeepAlive(bytes: Buffer, from: number, to: number): boolean {
  const at = bytes[from] === SPACE ? from + 1 : from;
  const end = at + KEEP_ALIVE.length;
  return isWord(bytes, at, KEEP_ALIVE) && (end === to || (bytes[end] === CR && end + 1 === to));
}

function lowerValue(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('latin1', from, to).trim().toLowerCase();
}

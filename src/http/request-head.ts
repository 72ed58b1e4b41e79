import { bytesOf, COLON, CR, isWord, LF, SPACE, TAB, word } from './bytes.ts';
import { HEADER_LINES_LIMIT, METHOD_LIMIT } from './limits.ts';

/** How a message's body ends. */
export type Framing = { kind: 'none' } | { kind: 'length'; length: number } | { kind: 'chunked' } | { kind: 'until-close' };

/** A request's head that has exactly one meaning. Names and values are as they came, one character a byte. */
export interface RequestHead {
  /** All of it, as latin1. */
  readonly text: string;
  readonly method: string;
  readonly target: string;
  /** Minor version: HTTP/1.0 or HTTP/1.1. */
  readonly minor: 0 | 1;
  /** The target's path without the query; undefined for `*` and CONNECT. */
  readonly path: string | undefined;
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly body: Framing;
  /** Whether the client wants the connection to live on. */
  readonly persistent: boolean;
  /** Protocols of the Upgrade header in lower case, where Connection names it too. */
  readonly upgrade: string | undefined;
  readonly expectsContinue: boolean;
}

/** Why a message is refused, in words for the client. */
export class BadMessage {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

const NO_BODY: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };
const TOKEN = bytesOf(/[!#$%&'*+.^_`|~0-9A-Za-z-]/);
const TARGET = bytesOf(/[!-~\x80-\xff]/);
const VALUE = bytesOf(/[\t -~\x80-\xff]/);
const VERSION = Buffer.from(' HTTP/1.');
const HOST_NAME = word('host');
const EXPECT = word('expect');
const UPGRADE = word('upgrade');
const CONNECTION = word('connection');
const CONTENT_LENGTH = word('content-length');
const CONTENT_LENGTH_LIKE = word('content_length');
const TRANSFER_ENCODING = word('transfer-encoding');
const TRANSFER_ENCODING_LIKE = word('transfer_encoding');
const LENGTH = /^(?:0|[1-9][0-9]{0,14})$/;
const HOST = /^[A-Za-z0-9._~!$&'()*+,;=%:[\]-]*$/;
const ABSOLUTE = /^(?:https?|wss?):\/\/([^/?]*)([^?]*)/i;
const AUTHORITY = /^[A-Za-z0-9._~-]+:[0-9]{1,5}$|^\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}$/;

/**
 * Parses the head that stands in `bytes` from `from`, the first byte of the request line, to `end`, behind the blank line. What two
 * readers could understand differently (RFC 9112 11.2) is refused, also where the RFC lets a recipient guess.
 */
export function parseRequestHead(bytes: Buffer, from: number, end: number): RequestHead | BadMessage {
  const text = bytes.toString('latin1', from, end);
  const methodEnd = skip(bytes, from, TOKEN);
  const targetEnd = skip(bytes, methodEnd + 1, TARGET);
  const lineEnd = targetEnd + VERSION.length + 3;
  if (bytes[methodEnd] !== SPACE || methodEnd === from || methodEnd - from > METHOD_LIMIT || targetEnd === methodEnd + 1 || !hasVersion(bytes, targetEnd))
    return new BadMessage(requestLineFault(text));
  const method = text.slice(0, methodEnd - from);
  const target = text.slice(methodEnd + 1 - from, targetEnd - from);
  const minor = text.charCodeAt(targetEnd + VERSION.length - from) === 48 ? 0 : 1;
  const names: string[] = [];
  const values: string[] = [];
  let host: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  let connection = '';
  let upgrade: string | undefined;
  let expectsContinue = false;
  const last = end - 2;
  let at = lineEnd;
  while (at < last) {
    const colon = skip(bytes, at, TOKEN);
    if (colon === at || bytes[colon] !== COLON) return new BadMessage(fieldFault(text.slice(lineEnd - from)));
    const valueEnd = skip(bytes, colon + 1, VALUE);
    if (bytes[valueEnd] !== CR || bytes[valueEnd + 1] !== LF) return new BadMessage(fieldFault(text.slice(lineEnd - from)));
    const begin = at;
    const value = trimmed(text, bytes, from, colon + 1, valueEnd);
    at = valueEnd + 2;
    names.push(text.slice(begin - from, colon - from));
    values.push(value);
    switch (colon - begin) {
      case 4:
        if (isWord(bytes, begin, HOST_NAME)) {
          if (host !== undefined) return new BadMessage('more than one Host');
          host = value;
        }
        break;
      case 6:
        if (isWord(bytes, begin, EXPECT) && value.toLowerCase() === '100-continue') expectsContinue = true;
        break;
      case 7:
        if (isWord(bytes, begin, UPGRADE)) upgrade = upgrade === undefined ? value.toLowerCase() : `${upgrade}, ${value.toLowerCase()}`;
        break;
      case 10:
        if (isWord(bytes, begin, CONNECTION)) connection = connection === '' ? value.toLowerCase() : `${connection}, ${value.toLowerCase()}`;
        break;
      case 14:
        if (isWord(bytes, begin, CONTENT_LENGTH)) {
          if (length !== undefined) return new BadMessage('more than one Content-Length');
          if (!LENGTH.test(value)) return new BadMessage('an invalid Content-Length');
          length = value;
        } else if (isWord(bytes, begin, CONTENT_LENGTH_LIKE)) return new BadMessage('a header that looks like Content-Length');
        break;
      case 17:
        if (isWord(bytes, begin, TRANSFER_ENCODING)) {
          if (coding !== undefined) return new BadMessage('more than one Transfer-Encoding');
          coding = value.toLowerCase();
        } else if (isWord(bytes, begin, TRANSFER_ENCODING_LIKE)) return new BadMessage('a header that looks like Transfer-Encoding');
        break;
    }
  }
  if (at !== last || bytes[at] !== CR || bytes[at + 1] !== LF) return new BadMessage(fieldFault(text.slice(lineEnd - from)));
  if (names.length > HEADER_LINES_LIMIT) return new BadMessage('too many header lines');
  if (coding !== undefined) {
    if (length !== undefined) return new BadMessage('both Content-Length and Transfer-Encoding');
    if (coding !== 'chunked') return new BadMessage('a Transfer-Encoding other than chunked');
    if (minor === 0) return new BadMessage('Transfer-Encoding in HTTP/1.0');
  }
  if (host === undefined && minor === 1) return new BadMessage('no Host');
  if (host !== undefined && !HOST.test(host)) return new BadMessage('an invalid Host');
  const path = pathOf(method, target, host);
  if (path instanceof BadMessage) return path;
  const tokens = connection === '' ? undefined : connection.split(',').map((token) => token.trim());
  return {
    text,
    method,
    target,
    minor,
    path,
    names,
    values,
    body: coding !== undefined ? CHUNKED : length === undefined || length === '0' ? NO_BODY : { kind: 'length', length: Number(length) },
    persistent: tokens === undefined ? minor === 1 : !tokens.includes('close') && (minor === 1 || tokens.includes('keep-alive')),
    upgrade: upgrade !== undefined && tokens?.includes('upgrade') === true && minor === 1 ? upgrade : undefined,
    expectsContinue: expectsContinue && minor === 1,
  };
}

function pathOf(method: string, target: string, host: string | undefined): string | undefined | BadMessage {
  if (target.includes('#')) return new BadMessage('a fragment in the target');
  if (method === 'CONNECT') return AUTHORITY.test(target) ? undefined : new BadMessage('CONNECT to no host and port');
  if (target.startsWith('/')) {
    const query = target.indexOf('?');
    return query === -1 ? target : target.slice(0, query);
  }
  if (target === '*') return method === 'OPTIONS' ? undefined : new BadMessage('the target * in another method than OPTIONS');
  const absolute = ABSOLUTE.exec(target);
  if (absolute === null) return new BadMessage('an invalid target');
  const [, authority = '', path = ''] = absolute;
  if (authority === '' || !HOST.test(authority)) return new BadMessage('an invalid host in the target');
  if (host !== undefined && authority.toLowerCase() !== host.toLowerCase()) return new BadMessage('a target with another host than Host');
  return path === '' ? '/' : path;
}

/** Index of the first byte from `at` on that is not of the class. */
function skip(bytes: Buffer, at: number, characters: Uint8Array): number {
  let i = at;
  while (characters[bytes[i] as number] === 1) i++;
  return i;
}

/** Whether a request line ends there as it must. */
function hasVersion(bytes: Buffer, at: number): boolean {
  for (let i = 0; i < VERSION.length; i++) if (bytes[at + i] !== VERSION[i]) return false;
  const end = at + VERSION.length;
  return (bytes[end] === 48 || bytes[end] === 49) && bytes[end + 1] === CR && bytes[end + 2] === LF;
}

/** A value without the white space around it. The text begins at `from`. */
function trimmed(text: string, bytes: Buffer, from: number, begin: number, end: number): string {
  let start = begin;
  let stop = end;
  while (start < stop && (bytes[start] === SPACE || bytes[start] === TAB)) start++;
  while (stop > start && (bytes[stop - 1] === SPACE || bytes[stop - 1] === TAB)) stop--;
  return text.slice(start - from, stop - from);
}

function requestLineFault(text: string): string {
  const line = text.slice(0, text.indexOf('\n') + 1);
  if (!line.endsWith('\r\n')) return 'a line that ends without CR';
  if (!/ HTTP\/1\.[01]\r\n$/.test(line)) return 'an HTTP version other than 1.0 and 1.1';
  return 'an invalid request line';
}

function fieldFault(fields: string): string {
  for (const line of fields.split('\n')) {
    if (!line.endsWith('\r')) return 'a line that ends without CR';
    if (line.startsWith(' ') || line.startsWith('\t')) return 'a folded header line';
    if (/^[^:]*[ \t]+:/.test(line)) return 'white space before a colon';
    if (/[^\t -~\x80-\xff]/.test(line.slice(0, -1))) return 'a control character in a header';
    if (line !== '\r' && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line)) return 'an invalid header name';
  }
  return 'an invalid header';
}

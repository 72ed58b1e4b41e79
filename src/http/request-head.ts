import { HEADER_LINES_LIMIT } from './limits.ts';

/** How a message's body ends. */
export type Framing = { kind: 'none' } | { kind: 'length'; length: number } | { kind: 'chunked' } | { kind: 'until-close' };

/** A request's head that has exactly one meaning. Names and values are as they came, one character a byte. */
export interface RequestHead {
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
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~\x80-\xff]+) HTTP\/1\.([01])\r\n/;
/** All header lines and the blank one. Every step is decided by its next character: no backtracking. */
const FIELDS = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*\r\n$/;
const LENGTH = /^(?:0|[1-9][0-9]{0,14})$/;
const HOST = /^[A-Za-z0-9._~!$&'()*+,;=%:[\]-]*$/;
const ABSOLUTE = /^(?:https?|wss?):\/\/([^/?]*)([^?]*)/i;
const AUTHORITY = /^[A-Za-z0-9._~-]+:[0-9]{1,5}$|^\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}$/;

/**
 * Parses a head, from the first byte of the request line to the blank line, as latin1. What two readers could understand
 * differently (RFC 9112 11.2) is refused, also where the RFC lets a recipient guess.
 */
export function parseRequestHead(text: string): RequestHead | BadMessage {
  const line = REQUEST_LINE.exec(text);
  if (line === null) return new BadMessage(requestLineFault(text));
  const method = line[1] as string;
  const target = line[2] as string;
  const minor = line[3] === '0' ? 0 : 1;
  const fields = text.slice(line[0].length);
  if (!FIELDS.test(fields)) return new BadMessage(fieldFault(fields));
  const names: string[] = [];
  const values: string[] = [];
  let host: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  let connection = '';
  let upgrade: string | undefined;
  let expectsContinue = false;
  const last = fields.length - 2;
  for (let at = 0; at < last; ) {
    const colon = fields.indexOf(':', at);
    const end = fields.indexOf('\r', colon);
    const name = fields.slice(at, colon);
    const value = trimmed(fields, colon + 1, end);
    at = end + 2;
    names.push(name);
    values.push(value);
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'host') {
          if (host !== undefined) return new BadMessage('more than one Host');
          host = value;
        }
        break;
      case 6:
        if (name.toLowerCase() === 'expect' && value.toLowerCase() === '100-continue') expectsContinue = true;
        break;
      case 7:
        if (name.toLowerCase() === 'upgrade') upgrade = upgrade === undefined ? value.toLowerCase() : `${upgrade}, ${value.toLowerCase()}`;
        break;
      case 10:
        if (name.toLowerCase() === 'connection') connection = connection === '' ? value.toLowerCase() : `${connection}, ${value.toLowerCase()}`;
        break;
      case 14:
        switch (name.toLowerCase()) {
          case 'content-length':
            if (length !== undefined) return new BadMessage('more than one Content-Length');
            if (!LENGTH.test(value)) return new BadMessage('an invalid Content-Length');
            length = value;
            break;
          case 'content_length':
            return new BadMessage('a header that looks like Content-Length');
        }
        break;
      case 17:
        switch (name.toLowerCase()) {
          case 'transfer-encoding':
            if (coding !== undefined) return new BadMessage('more than one Transfer-Encoding');
            coding = value.toLowerCase();
            break;
          case 'transfer_encoding':
            return new BadMessage('a header that looks like Transfer-Encoding');
        }
        break;
    }
  }
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

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && (text.charCodeAt(start) === 32 || text.charCodeAt(start) === 9)) start++;
  while (end > start && (text.charCodeAt(end - 1) === 32 || text.charCodeAt(end - 1) === 9)) end--;
  return text.slice(start, end);
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

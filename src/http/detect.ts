import { DETECT_LINE_LIMIT } from './limits.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const CR = 13;
const LF = 10;
/** A line that speaks of HTTP, well formed or not. */
const HTTP_LINE = /HTTP\/[0-9]/i;
/** HTTP/0.9, which some servers still understand, with headers too. */
const BARE_LINE = /^[ \t]*(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE|CONNECT)[ \t]/;
const HTTP_TARGET_BEGUN = /^[A-Z]{3,16} (?:\/|\* |https?:)/;
const REQUEST_BEGIN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} /;

/** What a connection carries, by its first bytes. */
export type Carried = 'http1' | 'http2' | 'other';

/**
 * Decides from a connection's first bytes; undefined while they leave it open. A broken request line is `http1` as long as it names
 * HTTP: the parser refuses it. TLS, and every protocol that is not HTTP, is `other`.
 */
export function detect(first: Buffer): Carried | undefined {
  let from = 0;
  // RFC 9112 2.2: empty lines before a request line. Readers differ in what they skip; the parser then has its own say.
  while (first[from] === CR || first[from] === LF) from++;
  if (from > DETECT_LINE_LIMIT) return 'other';
  const bytes = from === 0 ? first : first.subarray(from);
  if (bytes.length === 0) return undefined;
  if (!isText(bytes[0] as number)) return 'other';
  if (from === 0 && PREFACE.subarray(0, bytes.length).equals(bytes.subarray(0, PREFACE.length))) return bytes.length < PREFACE.length ? undefined : 'http2';
  const end = bytes.indexOf(LF);
  if (end !== -1) {
    const line = bytes.toString('latin1', 0, end);
    return HTTP_LINE.test(line) || BARE_LINE.test(line) ? 'http1' : 'other';
  }
  if (bytes.length > DETECT_LINE_LIMIT) return REQUEST_BEGIN.test(bytes.toString('latin1', 0, 64)) ? 'http1' : 'other';
  for (let at = 0; at < bytes.length - 1; at++) if (!isText(bytes[at] as number)) return 'other';
  return undefined;
}

/** For a connection that stopped before {@link detect} could decide: what its bytes look like. */
export function guess(first: Buffer): Carried {
  return HTTP_TARGET_BEGUN.test(first.toString('latin1', 0, 64).trimStart()) ? 'http1' : 'other';
}

function isText(byte: number): boolean {
  return (byte >= 32 && byte !== 127) || byte === 9;
}

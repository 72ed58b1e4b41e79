/** Every number of the HTTP mechanism. docs/limits.md lists them with their reasons. */

/** A request's head, from its first byte to the blank line. */
export const REQUEST_HEAD_LIMIT = 64 * 1024;
/** Header lines of a request. */
export const HEADER_LINES_LIMIT = 1_000;
/** A response's head; a longer one is passed on without being understood. */
export const RESPONSE_HEAD_LIMIT = 256 * 1024;
/** All chunk extensions of one message together. */
export const CHUNK_EXTENSION_LIMIT = 16 * 1024;
/** All trailer lines of one message together. */
export const TRAILER_LIMIT = 16 * 1024;
/** Digits of a chunk size: values stay exact in a double. */
export const CHUNK_SIZE_DIGITS = 13;
/** Characters of a request's method. */
export const METHOD_LIMIT = 32;
/** Digits of a Content-Length that are read without making a string of it; numbers of so many are exact in a double. */
export const LENGTH_DIGITS = 15;
/** First line of a connection: what is longer without a line's end is not HTTP/1.1. */
export const DETECT_LINE_LIMIT = 16 * 1024;
/** Characters of a regular expression. */
export const PATTERN_LIMIT = 512;
/** Instructions of a compiled regular expression: time per character grows with it. */
export const PATTERN_PROGRAM_LIMIT = 300;
/** Characters of a value that a regular expression is tried on; a longer value does not match. */
export const PATTERN_VALUE_LIMIT = 4 * 1024;
/** Characters that the regular expressions of all filters are tried on for one request; behind it none matches. */
export const PATTERN_REQUEST_LIMIT = 32 * 1024;
/** Values whose answer a regular expression keeps, and how long they may be. */
export const PATTERN_KNOWN_LIMIT = 256;
export const PATTERN_KNOWN_LENGTH = 256;

/**
 * DNS without sockets: the message codec (compression on encode, hostile input on decode), helpers that leave a message's
 * bytes alone, the framing of streams, a TTL cache, and resolv.conf.
 */
export { type CacheHit, createDnsCache, type DnsCache } from './cache.ts';
export { decodeMessage, questionOf } from './decode.ts';
export { encodeMessage } from './encode.ts';
export { DnsFormatError, DnsQueryError, type DnsQueryErrorCode } from './errors.ts';
export { createFrameReader, type FrameReader, frameMessage } from './framing.ts';
export { decodeName, foldName, sameName, splitName } from './name.ts';
export { questionMessage } from './question.ts';
export {
  answerCountOf,
  answersQuestion,
  errorReply,
  idOf,
  isMessage,
  isResponse,
  isTruncated,
  opcodeOf,
  questionCountOf,
  rcodeOf,
  withId,
  withTruncated,
} from './raw.ts';
export { addressOf, addressRecord, negativeTtlOf, optOf, optRecord, targetOf } from './records.ts';
export { type ResolvConf, readResolvConf } from './resolv-conf.ts';
export {
  CLASS,
  DNS_MESSAGE_LIMIT,
  DNS_UDP_DEFAULT_SIZE,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  OPCODE,
  RCODE,
  type RdataPart,
  TYPE,
} from './types.ts';

/** Messages as raw bytes: what may be read and changed without decoding them. All take messages of at least a header. */
import { DNS_HEADER_SIZE, questionOf } from './decode.ts';
import { sameName } from './name.ts';
import type { DnsQuestion } from './types.ts';

export const idOf = (message: Buffer): number => message.readUInt16BE(0);
export const isResponse = (message: Buffer): boolean => ((message[2] as number) & 0x80) !== 0;
export const isTruncated = (message: Buffer): boolean => ((message[2] as number) & 0x02) !== 0;
export const opcodeOf = (message: Buffer): number => ((message[2] as number) >> 3) & 15;
export const rcodeOf = (message: Buffer): number => (message[3] as number) & 15;
export const questionCountOf = (message: Buffer): number => message.readUInt16BE(4);
export const answerCountOf = (message: Buffer): number => message.readUInt16BE(6);
export const isMessage = (bytes: Buffer): boolean => bytes.length >= DNS_HEADER_SIZE;

/** A copy with another id; all other bytes as they are. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** A copy with the TC bit set. */
export function withTruncated(message: Buffer): Buffer {
  const copy = Buffer.from(message);
  copy[2] = (copy[2] as number) | 0x02;
  return copy;
}

/** The answer to `query` with nothing but `rcode`: its id, opcode, RD and CD, and its questions as far as `questions` says. */
export function errorReply(query: Buffer, rcode: number): Buffer {
  const question = questionCountOf(query) === 1 ? questionEnd(query) : undefined;
  const reply = Buffer.from(query.subarray(0, question ?? DNS_HEADER_SIZE));
  reply[2] = ((query[2] as number) & 0x79) | 0x80;
  reply[3] = ((query[3] as number) & 0x10) | 0x80 | rcode;
  reply.fill(0, 4, DNS_HEADER_SIZE);
  if (question !== undefined) reply.writeUInt16BE(1, 4);
  return reply;
}

function questionEnd(query: Buffer): number | undefined {
  let at = DNS_HEADER_SIZE;
  for (;;) {
    const size = query[at];
    if (size === undefined || size > 63) return undefined;
    at += size + 1;
    if (size === 0) break;
  }
  return at + 4 <= query.length ? at + 4 : undefined;
}

/** Whether a response can be the answer to this question. Servers may leave the question out of an error. */
export function answersQuestion(response: Buffer, question: DnsQuestion | undefined): boolean {
  if (!isMessage(response) || !isResponse(response)) return false;
  if (question === undefined || questionCountOf(response) === 0) return true;
  const theirs = questionOf(response);
  return theirs !== undefined && theirs.type === question.type && theirs.class === question.class && sameName(theirs.name, question.name);
}

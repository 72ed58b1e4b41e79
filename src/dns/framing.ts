/** DNS over a byte stream: each message behind two bytes of length (RFC 1035 4.2.2). */
import { createFrameCutter, frameMessage as frame } from '../base/framing.ts';
import { DnsFormatError } from './errors.ts';
import { DNS_MESSAGE_LIMIT } from './types.ts';

export function frameMessage(message: Uint8Array): Buffer {
  if (message.length > DNS_MESSAGE_LIMIT) throw new DnsFormatError('message is longer than 65535 bytes');
  return frame(message);
}

export interface FrameReader {
  /** Takes what the stream gave and returns the messages that are now whole. Holds at most one unfinished message. */
  push(chunk: Buffer): Buffer[];
}

export function createFrameReader(): FrameReader {
  let whole: Buffer[] = [];
  const cut = createFrameCutter((message) => whole.push(message));
  return {
    push(chunk) {
      cut(chunk);
      const messages = whole;
      // nothing is kept of a chunk whose messages were given away
      whole = [];
      return messages;
    },
  };
}

/** DNS over a byte stream: each message behind two bytes of length (RFC 1035 4.2.2). */
import { DnsFormatError } from './errors.ts';
import { DNS_MESSAGE_LIMIT } from './types.ts';

export function frameMessage(message: Uint8Array): Buffer {
  if (message.length > DNS_MESSAGE_LIMIT) throw new DnsFormatError('message is longer than 65535 bytes');
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  framed.set(message, 2);
  return framed;
}

export interface FrameReader {
  /** Takes what the stream gave and returns the messages that are now whole. Holds at most one unfinished message. */
  push(chunk: Buffer): Buffer[];
}

export function createFrameReader(): FrameReader {
  let chunks: Buffer[] = [];
  let held = 0;
  return {
    push(chunk) {
      chunks.push(chunk);
      held += chunk.length;
      const first = chunks[0] as Buffer;
      // Joining only when a whole message is there keeps a peer that sends single bytes from costing squares.
      const wanted = first.length >= 2 ? first.readUInt16BE(0) + 2 : 2;
      if (held < wanted) return [];
      let bytes = chunks.length === 1 ? first : Buffer.concat(chunks, held);
      const messages: Buffer[] = [];
      while (bytes.length >= 2) {
        const end = bytes.readUInt16BE(0) + 2;
        if (bytes.length < end) break;
        messages.push(bytes.subarray(2, end));
        bytes = bytes.subarray(end);
      }
      chunks = bytes.length === 0 ? [] : [bytes];
      held = bytes.length;
      return messages;
    },
  };
}

/** DNS over a byte stream: each message behind two bytes of length (RFC 1035 4.2.2). */
import { Gathered } from '../base/gathered.ts';
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
  const begun = new Gathered();
  return {
    push(chunk) {
      let bytes = chunk;
      if (begun.length > 0) {
        begun.append(chunk);
        if (begun.length < 2 || begun.length < 2 + begun.view().readUInt16BE(0)) return [];
        bytes = begun.take();
      }
      const messages: Buffer[] = [];
      while (bytes.length >= 2) {
        const end = bytes.readUInt16BE(0) + 2;
        if (bytes.length < end) break;
        messages.push(bytes.subarray(2, end));
        bytes = bytes.subarray(end);
      }
      if (bytes.length > 0) begun.append(bytes);
      return messages;
    },
  };
}

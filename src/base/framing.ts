/** Messages over a byte stream, each behind two bytes of length, big endian: DNS over TCP (RFC 1035 4.2.2), and the tunnel's datagrams. */
import { Gathered } from './gathered.ts';

/** The message behind its length. @throws RangeError for more than 65,535 bytes */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  framed.set(message, 2);
  return framed;
}

/** Cuts a byte stream into its messages, each a view that stays valid. Holds at most one that is not whole yet. */
export function createFrameCutter(listener: (message: Buffer) => void): (chunk: Buffer) => void {
  const begun = new Gathered();
  return (chunk) => {
    let bytes = chunk;
    if (begun.length > 0) {
      begun.append(chunk);
      if (begun.length < 2 || begun.length < 2 + begun.view().readUInt16BE(0)) return;
      bytes = begun.take();
    }
    let at = 0;
    while (bytes.length - at >= 2) {
      const end = at + 2 + bytes.readUInt16BE(at);
      if (end > bytes.length) break;
      listener(bytes.subarray(at + 2, end));
      at = end;
    }
    if (at < bytes.length) begun.append(bytes.subarray(at));
  };
}

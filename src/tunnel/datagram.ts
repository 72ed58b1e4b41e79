import type { Duplex } from 'node:stream';
import { Gathered } from '../base/gathered.ts';
import { UDP_PAYLOAD_LIMIT } from '../protocol/tunnel.ts';
import { DATAGRAM_BOUND } from './limits.ts';

export interface DatagramStream {
  /** False: dropped, because DATAGRAM_BOUND bytes wait already, it is longer than UDP can carry, or the stream is over. */
  send(datagram: Uint8Array): boolean;
  /** Starts reading. A datagram is a view that stays valid. One listener. */
  onDatagram(listener: (datagram: Buffer) => void): void;
  close(): void;
}

/** Datagrams over a stream: two bytes of length (big endian), then the payload. The stream's errors and end stay with the caller. */
export function createDatagramStream(stream: Duplex): DatagramStream {
  return {
    send(datagram) {
      if (datagram.length > UDP_PAYLOAD_LIMIT || stream.destroyed || stream.writableEnded) return false;
      if (stream.writableLength + datagram.length > DATAGRAM_BOUND) return false;
      const framed = Buffer.allocUnsafe(2 + datagram.length);
      framed.writeUInt16BE(datagram.length, 0);
      framed.set(datagram, 2);
      stream.write(framed);
      return true;
    },
    onDatagram(listener) {
      const parser = createDatagramParser(listener);
      stream.on('data', parser);
      stream.resume();
    },
    close() {
      stream.end();
    },
  };
}

/** Cuts a byte stream into datagrams. Holds at most one that is not whole yet. */
export function createDatagramParser(listener: (datagram: Buffer) => void): (chunk: Buffer) => void {
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

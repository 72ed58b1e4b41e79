import type { Duplex } from 'node:stream';
import { createFrameCutter, frameMessage } from '../base/framing.ts';
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
      stream.write(frameMessage(datagram));
      return true;
    },
    onDatagram(listener) {
      stream.on('data', createFrameCutter(listener));
      stream.resume();
    },
    close() {
      stream.end();
    },
  };
}

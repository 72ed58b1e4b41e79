/** What the traffic server and its client agree on: ports, the bytes of a transfer, and the gRPC service. */
import { createCipheriv } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ServiceDefinition } from '@grpc/grpc-js';

export const PORT = {
  http: 8080,
  grpc: 8081,
  speaksFirst: 8082,
  clientEnds: 8083,
  serverEnds: 8084,
  serverResets: 8085,
  echo: 8086,
  /** A Service port behind which nothing listens. */
  nobody: 8099,
  udp: 9000,
} as const;

const PIECE = 256 * 1024;

/** `bytes` of a sequence that looks random and is the same everywhere for the same seed. */
export function bytesOf(seed: number, bytes: number): Readable {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(PIECE);
  let left = bytes;
  return new Readable({
    highWaterMark: PIECE,
    read() {
      if (left === 0) {
        this.push(null);
        return;
      }
      const size = Math.min(PIECE, left);
      left -= size;
      this.push(cipher.update(size === PIECE ? zeros : zeros.subarray(0, size)));
    },
  });
}

const same = (value: Buffer): Buffer => value;

/** One method, `talk`: bytes both ways. */
export const echoService = {
  talk: {
    path: '/test.Echo/Talk',
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
} satisfies ServiceDefinition;

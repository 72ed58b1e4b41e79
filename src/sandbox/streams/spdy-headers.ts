/** SPDY/3 header blocks: one compressor each way for the whole connection, so blocks must be read and made in order. */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

/** Writes a block and gathers what comes out for it: a synchronous flush ends each. */
function through(codec: Deflate | Inflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const onData = (part: Buffer) => void parts.push(part);
    codec.on('data', onData);
    codec.once('error', reject);
    codec.write(block, () => {
      codec.flush(constants.Z_SYNC_FLUSH, () => {
        codec.off('data', onData).off('error', reject);
        resolve(Buffer.concat(parts));
      });
    });
  });
}

export interface HeaderCodec {
  read(block: Buffer): Promise<Record<string, string>>;
  write(headers: Record<string, string>): Promise<Buffer>;
  close(): void;
}

export function createHeaderCodec(): HeaderCodec {
  const inflate = createInflate({ dictionary: SPDY_DICTIONARY });
  const deflate = createDeflate({ dictionary: SPDY_DICTIONARY });
  // A failure is told to whoever waits for a block; this keeps one that comes later from ending the process.
  inflate.on('error', () => inflate.destroy());
  deflate.on('error', () => deflate.destroy());
  return {
    async read(block) {
      const bytes = await through(inflate, block);
      const headers: Record<string, string> = {};
      let at = 4;
      const text = () => {
        const length = bytes.readUInt32BE(at);
        at += 4 + length;
        return bytes.toString('utf8', at - length, at);
      };
      for (let left = bytes.readUInt32BE(0); left > 0; left--) {
        const name = text().toLowerCase();
        headers[name] = text();
      }
      return headers;
    },
    write(headers) {
      const entries = Object.entries(headers);
      const parts: Buffer[] = [];
      const number = (value: number) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        parts.push(bytes);
      };
      number(entries.length);
      for (const pair of entries)
        for (const word of pair) {
          number(Buffer.byteLength(word));
          parts.push(Buffer.from(word));
        }
      return through(deflate, Buffer.concat(parts));
    },
    close() {
      inflate.destroy();
      deflate.destroy();
    },
  };
}

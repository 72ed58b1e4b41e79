import type { Duplex } from 'node:stream';
import { messageOf } from '../base/errors.ts';
import { type StreamHeader, streamHeaderSchema } from '../protocol/tunnel.ts';
import { STREAM_HEADER_LIMIT, STREAM_HEADER_TIMEOUT_MS } from './limits.ts';
import { readHead, TunnelProtocolError } from './read-head.ts';

/** The first bytes of a stream: hand them to `mux.open`, so that header and first data travel in the opening frame. */
export function encodeStreamHeader(header: StreamHeader, first?: Uint8Array): Buffer {
  const json = JSON.stringify(header);
  const length = Buffer.byteLength(json);
  if (length > STREAM_HEADER_LIMIT) throw new RangeError(`a stream header of ${length} bytes is over the limit of ${STREAM_HEADER_LIMIT}`);
  const bytes = Buffer.allocUnsafe(2 + length + (first?.length ?? 0));
  bytes.writeUInt16BE(length, 0);
  bytes.write(json, 2);
  if (first !== undefined) bytes.set(first, 2 + length);
  return bytes;
}

/**
 * Takes the header off a stream that nobody reads yet; the bytes behind it stay readable. Rejects with a TunnelProtocolError
 * (too long, no such header, too late), or with the signal's reason; the stream is then the caller's to reset.
 */
export function readStreamHeader(stream: Duplex, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<StreamHeader> {
  return readHead(stream, parseStreamHeader, { ...options, timeoutMs: options.timeoutMs ?? STREAM_HEADER_TIMEOUT_MS, what: 'the stream header' });
}

function parseStreamHeader(bytes: Buffer): { value: StreamHeader; used: number } | undefined {
  if (bytes.length < 2) return undefined;
  const length = bytes.readUInt16BE(0);
  if (length > STREAM_HEADER_LIMIT) throw new TunnelProtocolError(`a stream header of ${length} bytes is over the limit`);
  if (bytes.length < 2 + length) return undefined;
  try {
    return { value: streamHeaderSchema.parse(JSON.parse(bytes.toString('utf8', 2, 2 + length))), used: 2 + length };
  } catch (error) {
    throw new TunnelProtocolError(`bad stream header: ${messageOf(error)}`);
  }
}

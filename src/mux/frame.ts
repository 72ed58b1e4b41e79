/**
 * The yamux frame: version 0, type, flags, stream id, length: 12 bytes, big endian. Extensions of ours, both inside the format:
 * a reset's Data frame carries the reason as its payload, and a Data frame on stream 0 before a GOAWAY carries the reason of that.
 */
export const HEADER_BYTES = 12;
export const FRAME = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const;
export const FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const;
/** Codes of GOAWAY. */
export const GO_AWAY = { normal: 0, protocol: 1, internal: 2 } as const;

export function writeHeader(target: Buffer, at: number, type: number, flags: number, id: number, length: number): void {
  target[at] = 0;
  target[at + 1] = type;
  target[at + 2] = flags >>> 8;
  target[at + 3] = flags & 0xff;
  target.writeUInt32BE(id, at + 4);
  target.writeUInt32BE(length, at + 8);
}

/** One whole frame in a buffer of its own. */
export function encodeFrame(type: number, flags: number, id: number, length: number, payload?: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + (payload?.length ?? 0));
  writeHeader(frame, 0, type, flags, id, length);
  if (payload !== undefined) frame.set(payload, HEADER_BYTES);
  return frame;
}

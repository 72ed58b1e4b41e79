/** RFC 6455 frames: headers made and parsed; payloads are passed on as they arrive, never gathered. */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/**
 * The header of a final frame of `length` bytes. Clients must mask (section 5.3); `mask` undefined leaves the bit out.
 */
export function frameHeader(opcode: number, length: number, mask: Buffer | undefined): Buffer {
  const extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const header = Buffer.alloc(2 + extra + (mask === undefined ? 0 : 4));
  header[0] = 0x80 | opcode;
  const bit = mask === undefined ? 0 : 0x80;
  if (extra === 0) header[1] = bit | length;
  else if (extra === 2) {
    header[1] = bit | 126;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = bit | 127;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  mask?.copy(header, 2 + extra);
  return header;
}

/** XORs in place, beginning at byte `offset` of the frame's payload. */
export function applyMask(data: Buffer, mask: Buffer, offset: number): void {
  for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 0) ^ (mask[(offset + i) & 3] ?? 0);
}

export interface FrameHandler {
  /** Bytes of a message; `start` on the first of each message, which may be empty. */
  onData(chunk: Buffer, start: boolean): void;
  /** A whole ping, pong or close. */
  onControl(opcode: number, payload: Buffer): void;
}

export class WebSocketProtocolError extends Error {
  override name = 'WebSocketProtocolError';
}

export interface FrameParser {
  /** Throws {@link WebSocketProtocolError}; the connection is to be ended then. */
  push(chunk: Buffer): void;
  /** Whether the bytes so far end with a whole message. */
  readonly between: boolean;
}

/** @param masked whether the peer must mask: a server requires it, a client forbids it. */
export function createFrameParser(masked: boolean, handler: FrameHandler): FrameParser {
  let header: Buffer = Buffer.alloc(0);
  let left = 0;
  let opcode = 0;
  let final = true;
  let inFrame = false;
  let inMessage = false;
  let mask: Buffer | undefined;
  let offset = 0;
  let control: Buffer[] = [];

  /** Reads a header from `header`; returns how many bytes it took, 0 when more are needed. */
  function readHeader(): number {
    if (header.length < 2) return 0;
    const [first = 0, second = 0] = header;
    const short = second & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const isMasked = (second & 0x80) !== 0;
    const size = 2 + extra + (isMasked ? 4 : 0);
    if (header.length < size) return 0;
    if ((first & 0x70) !== 0) throw new WebSocketProtocolError('a reserved bit is set');
    if (isMasked !== masked) throw new WebSocketProtocolError(masked ? 'a frame is not masked' : 'a frame is masked');
    const length = extra === 0 ? short : extra === 2 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
    if (!Number.isSafeInteger(length)) throw new WebSocketProtocolError('a frame is too long');
    opcode = first & 0x0f;
    final = (first & 0x80) !== 0;
    left = length;
    offset = 0;
    const bytes = isMasked ? Buffer.from(header.subarray(size - 4, size)) : undefined;
    mask = bytes?.readUInt32BE(0) === 0 ? undefined : bytes;
    if (opcode >= 8) {
      if (!final || length > 125) throw new WebSocketProtocolError('a control frame is split or too long');
      if (opcode > OPCODE.pong) throw new WebSocketProtocolError(`opcode ${opcode} is not known`);
    } else if (opcode === OPCODE.continuation) {
      if (!inMessage) throw new WebSocketProtocolError('a continuation continues nothing');
    } else {
      if (opcode > OPCODE.binary) throw new WebSocketProtocolError(`opcode ${opcode} is not known`);
      if (inMessage) throw new WebSocketProtocolError('a message begins inside another');
      inMessage = true;
      handler.onData(Buffer.alloc(0), true);
    }
    inFrame = true;
    return size;
  }

  function payload(chunk: Buffer): void {
    if (mask !== undefined) applyMask(chunk, mask, offset);
    offset += chunk.length;
    left -= chunk.length;
    if (opcode >= 8) control.push(chunk);
    else if (chunk.length > 0) handler.onData(chunk, false);
    if (left > 0) return;
    inFrame = false;
    if (opcode >= 8) {
      const whole = Buffer.concat(control);
      control = [];
      handler.onControl(opcode, whole);
    } else if (final) inMessage = false;
  }

  return {
    get between() {
      return !inFrame && !inMessage && header.length === 0;
    },
    push(chunk) {
      let rest = chunk;
      while (rest.length > 0 || (inFrame && left === 0)) {
        if (inFrame) {
          const part = rest.subarray(0, left);
          rest = rest.subarray(part.length);
          payload(part);
          continue;
        }
        const had = header.length;
        header = had === 0 ? rest.subarray(0, 14) : Buffer.concat([header, rest.subarray(0, 14 - had)]);
        const size = readHeader();
        if (size === 0) {
          header = Buffer.from(header);
          return;
        }
        rest = rest.subarray(size - had);
        header = Buffer.alloc(0);
      }
    },
  };
}

import { DnsFormatError } from './errors.ts';
import { decodeName } from './name.ts';
import { RDATA_LAYOUTS } from './records.ts';
import type { DnsMessage, DnsQuestion, DnsRecord, RdataPart } from './types.ts';

export const DNS_HEADER_SIZE = 12;

function readQuestion(buffer: Buffer, offset: number): { question: DnsQuestion; end: number } {
  const { name, end } = decodeName(buffer, offset);
  if (end + 4 > buffer.length) throw new DnsFormatError('question is cut off');
  return { question: { name, type: buffer.readUInt16BE(end), class: buffer.readUInt16BE(end + 2) }, end: end + 4 };
}

function readData(buffer: Buffer, type: number, start: number, end: number): RdataPart[] {
  if (start === end) return [];
  const layout = RDATA_LAYOUTS.get(type);
  if (layout === undefined) return [Buffer.from(buffer.subarray(start, end))];
  const parts: RdataPart[] = [];
  let at = start;
  const take = (size: number) => {
    if (at + size > end) throw new DnsFormatError('record data is shorter than its type needs');
    parts.push(Buffer.from(buffer.subarray(at, at + size)));
    at += size;
  };
  for (const field of layout) {
    if (field === 'name') {
      const name = decodeName(buffer, at);
      if (name.end > end) throw new DnsFormatError('name runs past the end of its record');
      parts.push(name.name);
      at = name.end;
    } else if (field === 'string') take(1 + (at < end ? (buffer[at] as number) : 0));
    else if (field === 'rest') take(end - at);
    else take(field);
  }
  if (at !== end) throw new DnsFormatError('record data is longer than its type allows');
  return parts;
}

function readRecord(buffer: Buffer, offset: number): { record: DnsRecord; end: number } {
  const { name, end: at } = decodeName(buffer, offset);
  if (at + 10 > buffer.length) throw new DnsFormatError('record is cut off');
  const type = buffer.readUInt16BE(at);
  const end = at + 10 + buffer.readUInt16BE(at + 8);
  if (end > buffer.length) throw new DnsFormatError('record data is cut off');
  return {
    record: { name, type, class: buffer.readUInt16BE(at + 2), ttl: buffer.readUInt32BE(at + 4), data: readData(buffer, type, at + 10, end) },
    end,
  };
}

/** Decodes a whole message; bytes behind it are ignored. @throws DnsFormatError and nothing else. */
export function decodeMessage(buffer: Buffer): DnsMessage {
  if (buffer.length < DNS_HEADER_SIZE) throw new DnsFormatError('message is shorter than its header');
  const flags = buffer.readUInt16BE(2);
  let at = DNS_HEADER_SIZE;
  const questions: DnsQuestion[] = [];
  for (let left = buffer.readUInt16BE(4); left > 0; left--) {
    const { question, end } = readQuestion(buffer, at);
    questions.push(question);
    at = end;
  }
  const section = (count: number) => {
    const records: DnsRecord[] = [];
    for (let left = count; left > 0; left--) {
      const { record, end } = readRecord(buffer, at);
      records.push(record);
      at = end;
    }
    return records;
  };
  return {
    id: buffer.readUInt16BE(0),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: flags & 15,
    questions,
    answers: section(buffer.readUInt16BE(6)),
    authorities: section(buffer.readUInt16BE(8)),
    additionals: section(buffer.readUInt16BE(10)),
  };
}

/** The first question of a message, without decoding the rest; undefined when there is none that can be read. */
export function questionOf(buffer: Buffer): DnsQuestion | undefined {
  if (buffer.length < DNS_HEADER_SIZE || buffer.readUInt16BE(4) === 0) return undefined;
  try {
    return readQuestion(buffer, DNS_HEADER_SIZE).question;
  } catch (thrown) {
    if (thrown instanceof DnsFormatError) return undefined;
    throw thrown;
  }
}

import { DnsFormatError } from './errors.ts';
import { labelBytes, NAME_LIMIT, splitName } from './name.ts';
import { COMPRESSED_TYPES } from './records.ts';
import { DNS_MESSAGE_LIMIT, type DnsMessage, type DnsRecord, TYPE } from './types.ts';

const POINTER_REACH = 0x4000;
const INITIAL_SIZE = 512;

class Writer {
  buffer = Buffer.allocUnsafe(INITIAL_SIZE);
  at = 0;
  /** Where each name (in the very case) was written, in order of writing. */
  readonly names = new Map<string, number>();

  room(size: number): void {
    if (this.at + size <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + size));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }
  u16(value: number): void {
    this.room(2);
    this.at = this.buffer.writeUInt16BE(value, this.at);
  }
  bytes(value: Buffer): void {
    this.room(value.length);
    this.at += value.copy(this.buffer, this.at);
  }
  name(name: string, compress: boolean): void {
    const labels = splitName(name);
    const start = this.at;
    let length = 1;
    for (const [i, label] of labels.entries()) {
      const bytes = labelBytes(label);
      length += bytes.length + 1;
      const suffix = i === 0 ? name : labels.slice(i).join('.');
      const known = compress ? this.names.get(suffix) : undefined;
      if (known !== undefined) {
        this.u16(0xc000 | known);
        for (const rest of labels.slice(i + 1)) length += labelBytes(rest).length + 1;
        if (length > NAME_LIMIT) throw new DnsFormatError('name is longer than 255 bytes');
        return;
      }
      if (this.at < POINTER_REACH && !this.names.has(suffix)) this.names.set(suffix, this.at);
      this.room(bytes.length + 1);
      this.buffer[this.at++] = bytes.length;
      this.at += bytes.copy(this.buffer, this.at);
    }
    if (length > NAME_LIMIT) throw new DnsFormatError(`name at ${start} is longer than 255 bytes`);
    this.room(1);
    this.buffer[this.at++] = 0;
  }
  record(record: DnsRecord): void {
    this.name(record.name, true);
    this.u16(record.type);
    this.u16(record.class);
    this.room(4);
    this.at = this.buffer.writeUInt32BE(record.ttl, this.at);
    const lengthAt = this.at;
    this.u16(0);
    for (const part of record.data) {
      if (typeof part === 'string') this.name(part, COMPRESSED_TYPES.has(record.type));
      else this.bytes(part);
    }
    const length = this.at - lengthAt - 2;
    if (length > DNS_MESSAGE_LIMIT) throw new DnsFormatError('record data is longer than 65535 bytes');
    this.buffer.writeUInt16BE(length, lengthAt);
  }
  /** Takes back everything written from `at` on. */
  rollback(at: number): void {
    this.at = at;
    for (const [name, place] of this.names) if (place >= at) this.names.delete(name);
  }
}

function optSize(message: DnsMessage): number {
  const opt = message.additionals.find((record) => record.type === TYPE.OPT);
  return opt === undefined ? 0 : 11 + opt.data.reduce((sum, part) => sum + part.length, 0);
}

function flagsOf(message: DnsMessage): number {
  return (
    (message.response ? 0x8000 : 0) |
    (message.opcode << 11) |
    (message.authoritative ? 0x0400 : 0) |
    (message.truncated ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.authenticData ? 0x0020 : 0) |
    (message.checkingDisabled ? 0x0010 : 0) |
    message.rcode
  );
}

/**
 * Encodes a message with name compression. When it would be longer than `limit`, whole records are left out from the end
 * and TC is set if answers or authorities are among them; what fits is kept, as clients without TCP live from it. OPT always stays.
 * @throws DnsFormatError when a name or a value can't be written.
 */
export function encodeMessage(message: DnsMessage, limit: number = DNS_MESSAGE_LIMIT): Buffer {
  const writer = new Writer();
  const reserve = optSize(message);
  writer.at = writer.buffer.writeUInt16BE(message.id, 0);
  writer.u16(flagsOf(message));
  for (let i = 0; i < 4; i++) writer.u16(0);
  for (const question of message.questions) {
    writer.name(question.name, true);
    writer.u16(question.type);
    writer.u16(question.class);
  }
  if (writer.at + reserve > DNS_MESSAGE_LIMIT) throw new DnsFormatError('questions are longer than a message may be');
  let full = false;
  const section = (records: DnsRecord[], countAt: number) => {
    let count = 0;
    for (const record of records) {
      if (full || record.type === TYPE.OPT) continue;
      const start = writer.at;
      writer.record(record);
      if (writer.at + reserve > limit) {
        writer.rollback(start);
        full = true;
      } else count++;
    }
    writer.buffer.writeUInt16BE(count, countAt);
    return count;
  };
  writer.buffer.writeUInt16BE(message.questions.length, 4);
  section(message.answers, 6);
  section(message.authorities, 8);
  if (full) writer.buffer.writeUInt16BE(flagsOf(message) | 0x0200, 2);
  let additionals = section(message.additionals, 10);
  for (const record of message.additionals) {
    if (record.type !== TYPE.OPT) continue;
    writer.record(record);
    additionals++;
  }
  writer.buffer.writeUInt16BE(additionals, 10);
  return writer.buffer.subarray(0, writer.at);
}

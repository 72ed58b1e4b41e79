/**
 * Bodies as Kubernetes' Go clients send them: `application/vnd.kubernetes.protobuf`. Only read: what is answered is JSON, which the same
 * clients take.
 */
import { messageOf } from '../../../base/errors.ts';
import { badRequest } from '../errors.ts';
import type { JsonObject } from '../object.ts';
import { MESSAGES } from '../schema/fields.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const MAGIC = Buffer.from('k8s\0');

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || shift > 63n) throw new Error('unexpected EOF');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  }

  bytes(length = Number(this.varint())): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new Error('unexpected EOF');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  /** The value of a field, whatever its type: a number, or bytes. */
  value(wire: number): bigint | Buffer {
    switch (wire) {
      case 0:
        return this.varint();
      case 1:
        return this.bytes(8);
      case 2:
        return this.bytes();
      case 5:
        return this.bytes(4);
      default:
        throw new Error(`illegal wireType ${wire}`);
    }
  }
}

function* fieldsOf(bytes: Buffer): Generator<[number: number, value: bigint | Buffer]> {
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = Number(reader.varint());
    yield [tag >>> 3, reader.value(tag & 7)];
  }
}

const raw = (value: bigint | Buffer): Buffer => (typeof value === 'bigint' ? Buffer.alloc(0) : value);
const text = (value: bigint | Buffer): string => raw(value).toString('utf8');
const numbered = (value: bigint | Buffer): Map<number, bigint | Buffer> => new Map(fieldsOf(raw(value)));

/** @throws 400 */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC)) throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  try {
    const envelope = numbered(body.subarray(4));
    const type = numbered(envelope.get(1) ?? Buffer.alloc(0));
    const apiVersion = text(type.get(1) ?? Buffer.alloc(0));
    const kind = text(type.get(2) ?? Buffer.alloc(0));
    return { apiVersion, kind, ...message(messageName(apiVersion, kind), raw(envelope.get(2) ?? Buffer.alloc(0))) };
  } catch (error) {
    throw badRequest(`error decoding protobuf: ${messageOf(error)}`);
  }
}

function messageName(apiVersion: string, kind: string): string {
  // Every group has options for its requests, which are the same.
  if (kind === 'DeleteOptions') return 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
  const [group = '', version = apiVersion] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  const name = `io.k8s.api.${group.split('.')[0] ?? ''}.${version}.${kind}`;
  if (MESSAGES[name] === undefined) throw new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  return name;
}

function message(name: string, bytes: Buffer): JsonObject {
  const known = MESSAGES[name] ?? {};
  const result: JsonObject = {};
  for (const [number, value] of fieldsOf(bytes)) {
    const [field, type] = known[number] ?? [];
    if (field === undefined || type === undefined) continue;
    if (field === '') Object.assign(result, message(type, raw(value)));
    else if (type.startsWith('[]')) result[field] = [...((result[field] ?? []) as unknown[]), decoded(type.slice(2), value)];
    else if (type.startsWith('{}')) {
      const entry = numbered(value);
      const key = text(entry.get(1) ?? Buffer.alloc(0));
      result[field] = { ...(result[field] as JsonObject | undefined), [key]: decoded(type.slice(2), entry.get(2) ?? Buffer.alloc(0)) };
    } else {
      const one = decoded(type, value);
      // Go writes fields that nobody has set, where they are not pointers.
      if (one !== undefined && one !== '') result[field] = one;
    }
  }
  return result;
}

function decoded(type: string, value: bigint | Buffer): unknown {
  switch (type) {
    case 'string':
      return text(value);
    case 'bytes':
      return raw(value).toString('base64');
    case 'bool':
      return value === 1n;
    case 'int32':
    case 'int64':
    case 'uint32':
      return Number(value);
    case 'double':
      return raw(value).readDoubleLE();
    case 'Quantity':
      return text(numbered(value).get(1) ?? Buffer.alloc(0));
    case 'IntOrString': {
      const parts = numbered(value);
      return parts.get(1) === 1n ? text(parts.get(3) ?? Buffer.alloc(0)) : Number(parts.get(2) ?? 0n);
    }
    case 'Time':
    case 'MicroTime':
      return time(numbered(value), type === 'MicroTime');
    case 'FieldsV1':
    case 'RawExtension':
    case 'JSON': {
      const json = numbered(value).get(1);
      return json === undefined ? undefined : (JSON.parse(text(json)) as unknown);
    }
    case 'ExtraValue':
      return [...fieldsOf(raw(value))].map(([, item]) => text(item));
    default:
      return message(type, raw(value));
  }
}

function time(parts: Map<number, bigint | Buffer>, micro: boolean): string | undefined {
  const seconds = Number(parts.get(1) ?? 0n);
  if (parts.size === 0) return undefined;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (!micro) return `${whole}Z`;
  const micros = Math.floor(Number(parts.get(2) ?? 0n) / 1000);
  return `${whole}.${String(micros).padStart(6, '0')}Z`;
}

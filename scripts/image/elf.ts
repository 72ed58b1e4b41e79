/** Reads of an ELF file what a loader needs: its machine, its interpreter and the libraries it names. Little-endian, 64 bits. */

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const MACHINES = new Map([
  [0x3e, 'amd64'],
  [0xb7, 'arm64'],
]);

export interface ElfInfo {
  /** OCI name of the architecture, `amd64` or `arm64`. */
  architecture: string;
  /** Path of the dynamic loader; absent in libraries and static programs. */
  interpreter: string | undefined;
  /** sonames, in the file's order. */
  needed: string[];
}

interface Segment {
  type: number;
  offset: number;
  address: bigint;
  size: number;
}

function stringAt(file: Buffer, offset: number): string {
  const end = file.indexOf(0, offset);
  return file.toString('latin1', offset, end === -1 ? file.length : end);
}

/** Reads the headers of `file`; throws when it is not a 64-bit little-endian ELF file of a known machine. */
export function readElf(file: Buffer, name: string): ElfInfo {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1)
    throw new Error(`${name} is not a 64-bit little-endian ELF file`);
  const architecture = MACHINES.get(file.readUInt16LE(18));
  if (architecture === undefined) throw new Error(`${name} is for a machine that no image is built for (ELF machine ${file.readUInt16LE(18)})`);
  const [table, entrySize, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)];
  const segments: Segment[] = [];
  for (let at = table; at < table + count * entrySize; at += entrySize) {
    segments.push({
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: file.readBigUInt64LE(at + 16),
      size: Number(file.readBigUInt64LE(at + 32)),
    });
  }
  const interp = segments.find((segment) => segment.type === PT_INTERP);
  return { architecture, interpreter: interp && stringAt(file, interp.offset), needed: readNeeded(file, segments) };
}

function readNeeded(file: Buffer, segments: Segment[]): string[] {
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const names: bigint[] = [];
  let strings = 0n;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = file.readBigUInt64LE(at);
    if (tag === DT_NEEDED) names.push(file.readBigUInt64LE(at + 8));
    if (tag === DT_STRTAB) strings = file.readBigUInt64LE(at + 8);
  }
  const home = segments.find((segment) => segment.type === PT_LOAD && strings >= segment.address && strings < segment.address + BigInt(segment.size));
  if (home === undefined) return [];
  const base = home.offset + Number(strings - home.address);
  return names.map((offset) => stringAt(file, base + Number(offset)));
}

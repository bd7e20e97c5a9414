/** What is read of a program, a library or a kernel module. */
export interface ElfFile {
  /** Names of the libraries that it needs itself, as `libc.so.6`. */
  readonly needed: readonly string[];
  /** Path of the program that loads it; absent for libraries and static programs. */
  readonly interpreter: string | undefined;
  /** Bytes of the section of a name; absent where there is none. */
  readonly section: (name: string) => Buffer | undefined;
}

/** Not a 64-bit little-endian ELF file, or one whose tables lead outside of it. */
export class ElfFormatError extends Error {
  readonly code = 'ELF_FORMAT';
  constructor(reason: string, options?: ErrorOptions) {
    super(`no usable ELF file: ${reason}`, options);
    this.name = 'ElfFormatError';
  }
}

const segmentLoad = 1;
const segmentDynamic = 2;
const segmentInterpreter = 3;
const dynamicNeeded = 1n;
const dynamicStringTable = 5n;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly length: number;
}

/** Reads the tables of an ELF file. Throws {@link ElfFormatError}. Source: elf(5). */
export function readElf(content: Uint8Array): ElfFile {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF') throw new ElfFormatError('it does not begin as one');
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new ElfFormatError('it is not 64-bit little-endian');
  return guarded(() => {
    const segments = readSegments(bytes);
    const interpreter = segments.find(({ type }) => type === segmentInterpreter);
    return {
      needed: readNeeded(bytes, segments),
      interpreter: interpreter === undefined ? undefined : text(bytes, interpreter.offset),
      section: (name) => guarded(() => readSection(bytes, name)),
    };
  });
}

function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // Buffer's own complaint about an offset that is not there.
    if (cause instanceof RangeError) throw new ElfFormatError('a table leads outside of it', { cause });
    throw cause;
  }
}

function readSegments(bytes: Buffer): Segment[] {
  const start = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size;
    return {
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: Number(bytes.readBigUInt64LE(at + 16)),
      length: Number(bytes.readBigUInt64LE(at + 32)),
    };
  });
}

function readNeeded(bytes: Buffer, segments: readonly Segment[]): string[] {
  const dynamic = segments.find(({ type }) => type === segmentDynamic);
  if (dynamic === undefined) return [];
  const entries: { tag: bigint; value: number }[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.length; at += 16) {
    const tag = bytes.readBigUInt64LE(at);
    if (tag === 0n) break;
    entries.push({ tag, value: Number(bytes.readBigUInt64LE(at + 8)) });
  }
  const strings = entries.find(({ tag }) => tag === dynamicStringTable)?.value ?? 0;
  const holder = segments.find(
    ({ type, address, length }) => type === segmentLoad && address <= strings && strings < address + length,
  );
  const needed = entries.filter(({ tag }) => tag === dynamicNeeded);
  if (needed.length === 0) return [];
  if (holder === undefined) throw new ElfFormatError('its string table is in no segment');
  const table = holder.offset + strings - holder.address;
  return needed.map(({ value }) => text(bytes, table + value));
}

function readSection(bytes: Buffer, name: string): Buffer | undefined {
  const start = Number(bytes.readBigUInt64LE(40));
  const size = bytes.readUInt16LE(58);
  const count = bytes.readUInt16LE(60);
  const place = (index: number): { nameAt: number; offset: number; length: number } => {
    const at = start + index * size;
    return {
      nameAt: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      length: Number(bytes.readBigUInt64LE(at + 32)),
    };
  };
  if (count === 0) return undefined;
  const names = place(bytes.readUInt16LE(62)).offset;
  for (let index = 0; index < count; index += 1) {
    const { nameAt, offset, length } = place(index);
    if (text(bytes, names + nameAt) !== name) continue;
    if (offset + length > bytes.length) throw new ElfFormatError('a section leads outside of it');
    return bytes.subarray(offset, offset + length);
  }
  return undefined;
}

function text(bytes: Buffer, offset: number): string {
  const end = offset < bytes.length ? bytes.indexOf(0, offset) : -1;
  if (end < 0) throw new ElfFormatError('a text leads outside of it');
  return bytes.toString('latin1', offset, end);
}

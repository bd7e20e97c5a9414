import { crc32 } from 'node:zlib';
import type { BlockReader } from '../block/reader.ts';
import { GptFormatError } from '../errors.ts';
import { guidFromBytes } from './guid.ts';
import { headerSize, signature, type GptLayout, type GptPartition, type SectorSize } from './layout.ts';

/** A table that was read, and which of its two copies were sound. */
export interface GptReadResult extends GptLayout {
  readonly primaryOk: boolean;
  readonly backupOk: boolean;
  /** The number of each partition, from 1: its entry's place in the table, which may have free ones between. */
  readonly numbers: readonly number[];
  /** Why a copy was not used; undefined where both are sound. */
  readonly problem?: string;
}

interface Copy {
  readonly layout: GptLayout;
  readonly otherLba: number;
  readonly numbers: readonly number[];
}

/**
 * Reads the table of a disk with 512- or 4096-byte sectors, whichever is there. Checks CRCs and bounds of
 * both copies; the backup is used where the primary is damaged.
 * @throws GptFormatError if neither copy is sound
 */
export async function readGpt(reader: BlockReader): Promise<GptReadResult> {
  const problems: string[] = [];
  const attempt = async (sectorSize: SectorSize, lba: number, which: string): Promise<Copy | undefined> => {
    try {
      return await readCopy(reader, sectorSize, lba);
    } catch (error) {
      if (!(error instanceof GptFormatError)) throw error;
      problems.push(`${which} (${sectorSize}-byte sectors): ${error.message}`);
      return undefined;
    }
  };
  for (const sectorSize of [512, 4096] as const) {
    const primary = await attempt(sectorSize, 1, 'primary');
    if (primary === undefined) continue;
    problems.length = 0;
    const backup = await attempt(sectorSize, primary.otherLba, 'backup');
    if (backup !== undefined && !sameTable(backup.layout, primary.layout))
      problems.push('backup: differs from the primary');
    const backupOk = problems.length === 0;
    return {
      ...primary.layout,
      primaryOk: true,
      backupOk,
      numbers: primary.numbers,
      ...(backupOk ? {} : { problem: problems.join('; ') }),
    };
  }
  for (const sectorSize of [512, 4096] as const) {
    const backup = await attempt(sectorSize, Math.floor(reader.sizeBytes / sectorSize) - 1, 'backup');
    if (backup !== undefined) {
      return {
        ...backup.layout,
        primaryOk: false,
        backupOk: true,
        numbers: backup.numbers,
        problem: problems.filter((text) => text.includes(`(${sectorSize}-`)).join('; '),
      };
    }
  }
  throw new GptFormatError(`no usable GPT: ${problems.join('; ')}`);
}

async function readCopy(reader: BlockReader, sectorSize: SectorSize, lba: number): Promise<Copy> {
  const sectors = Math.floor(reader.sizeBytes / sectorSize);
  if (lba < 1 || lba >= sectors) throw new GptFormatError(`header at LBA ${lba} lies outside the disk`);
  const header = Buffer.from(await reader.read(lba * sectorSize, sectorSize));
  if (header.toString('latin1', 0, 8) !== signature) throw new GptFormatError('no signature "EFI PART"');
  const size = header.readUInt32LE(12);
  if (size < headerSize || size > sectorSize) throw new GptFormatError(`header size ${size} is impossible`);
  const expected = header.readUInt32LE(16);
  header.writeUInt32LE(0, 16);
  if (crc32(header.subarray(0, size)) !== expected)
    throw new GptFormatError('the CRC of the header does not match');
  if (readLba(header, 24) !== lba) throw new GptFormatError('the header is of another LBA');
  const firstUsableLba = readLba(header, 40);
  const lastUsableLba = readLba(header, 48);
  const arrayLba = readLba(header, 72);
  const count = header.readUInt32LE(80);
  const size1 = header.readUInt32LE(84);
  if (size1 < 128 || size1 > 4096 || size1 % 128 !== 0 || count > 4096)
    throw new GptFormatError(`${count} entries of ${size1} bytes are impossible`);
  if (arrayLba * sectorSize + count * size1 > reader.sizeBytes)
    throw new GptFormatError('the entries lie outside the disk');
  if (firstUsableLba > lastUsableLba || lastUsableLba >= sectors)
    throw new GptFormatError('the usable range lies outside the disk');
  const array = Buffer.from(await reader.read(arrayLba * sectorSize, count * size1));
  if (crc32(array) !== header.readUInt32LE(88))
    throw new GptFormatError('the CRC of the entries does not match');
  const partitions: GptPartition[] = [];
  const numbers: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const entry = array.subarray(index * size1, (index + 1) * size1);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    partitions.push(readEntry(entry, sectorSize, firstUsableLba, lastUsableLba));
    numbers.push(index + 1);
  }
  checkOverlap(partitions);
  const layout = {
    sectorSize,
    diskSizeBytes: reader.sizeBytes,
    diskGuid: guidFromBytes(header.subarray(56, 72)),
    firstUsableLba,
    lastUsableLba,
    partitions,
  };
  return { layout, otherLba: readLba(header, 32), numbers };
}

function readLba(bytes: Buffer, offset: number): number {
  const value = bytes.readBigUInt64LE(offset);
  if (value > 0x1fffffffffn) throw new GptFormatError(`LBA ${value.toString()} is impossible`);
  return Number(value);
}

function readEntry(entry: Buffer, sectorSize: number, first: number, last: number): GptPartition {
  const firstLba = readLba(entry, 32);
  const lastLba = readLba(entry, 40);
  const name = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '');
  if (firstLba < first || lastLba > last || lastLba < firstLba) {
    throw new GptFormatError(
      `partition "${name}" at LBA ${firstLba}..${lastLba} lies outside the usable range ${first}..${last}`,
    );
  }
  return {
    name,
    typeGuid: guidFromBytes(entry.subarray(0, 16)),
    guid: guidFromBytes(entry.subarray(16, 32)),
    firstLba,
    lastLba,
    startBytes: firstLba * sectorSize,
    sizeBytes: (lastLba - firstLba + 1) * sectorSize,
    attributes: entry.readBigUInt64LE(48),
  };
}

function checkOverlap(partitions: readonly GptPartition[]): void {
  let previous: GptPartition | undefined;
  for (const partition of [...partitions].sort((a, b) => a.firstLba - b.firstLba)) {
    if (previous !== undefined && partition.firstLba <= previous.lastLba) {
      throw new GptFormatError(`partitions "${previous.name}" and "${partition.name}" overlap`);
    }
    previous = partition;
  }
}

function sameTable(a: GptLayout, b: GptLayout): boolean {
  const text = (layout: GptLayout): string =>
    JSON.stringify(layout, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return text(a) === text(b);
}

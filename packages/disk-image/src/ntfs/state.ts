import type { BlockReader } from '../block/reader.ts';
import { NtfsFormatError } from '../errors.ts';

/** What an NTFS says of itself. */
export interface NtfsState {
  /** Was not unmounted properly: Windows checks it at the next start. */
  readonly dirty: boolean;
  readonly label: string | undefined;
  /** The serial number: sixteen upper-case hex digits, as blkid shows it. */
  readonly serial: string;
  /** Such as `3.1`. */
  readonly version: string;
  readonly sizeBytes: number;
}

/** Number 3 of the master file table, `$Volume`, is about the volume itself. */
const volumeRecord = 3;
/** The last two bytes of each of these are kept elsewhere in a record, whatever the sectors are. */
const fixupBytes = 512;
const attributeType = { volumeName: 0x60, volumeInformation: 0x70, end: 0xffff_ffff } as const;
const dirtyFlag = 0x0001;

/**
 * Reads the dirty flag of the NTFS at `offset`, from its boot sector and one record. Windows leaves a volume that it only
 * hibernates (fast startup) without the flag.
 * Source: the layout headers of ntfs-3g (layout.h: boot sector, FILE record, $VOLUME_INFORMATION).
 * @throws NtfsFormatError if they are not sound
 * @throws ImageBoundsError if the image is cut short
 */
export async function readNtfsState(reader: BlockReader, offset = 0): Promise<NtfsState> {
  const boot = Buffer.from(await reader.read(offset, 512));
  if (boot.toString('latin1', 3, 11) !== 'NTFS    ')
    throw new NtfsFormatError('the boot sector has no signature "NTFS"');
  const sectorBytes = boot.readUInt16LE(11);
  if (![256, 512, 1024, 2048, 4096].includes(sectorBytes))
    throw new NtfsFormatError(`${sectorBytes} bytes per sector are impossible`);
  // More than 128 sectors are written as a power of two, negative.
  const clusterCode = boot.readUInt8(13);
  const clusterBytes = sectorBytes * (clusterCode > 0x80 ? 2 ** (256 - clusterCode) : clusterCode);
  if (!isPowerOfTwo(clusterBytes) || clusterBytes > 2 * 1024 * 1024)
    throw new NtfsFormatError(`clusters of ${clusterBytes} bytes are impossible`);
  const recordCode = boot.readInt8(64);
  const recordBytes = recordCode < 0 ? 2 ** -recordCode : recordCode * clusterBytes;
  if (!isPowerOfTwo(recordBytes) || recordBytes < fixupBytes || recordBytes > 64 * 1024)
    throw new NtfsFormatError(`records of ${recordBytes} bytes are impossible`);
  const sizeBytes = Number(boot.readBigUInt64LE(40)) * sectorBytes;
  // The first piece of the table has more records than these; so it need not be followed.
  const at = Number(boot.readBigUInt64LE(48)) * clusterBytes + volumeRecord * recordBytes;
  if (!Number.isSafeInteger(sizeBytes) || at + recordBytes > sizeBytes)
    throw new NtfsFormatError(`the master file table at byte ${at} lies outside of ${sizeBytes} bytes`);
  const record = unfix(Buffer.from(await reader.read(offset + at, recordBytes)));
  const information = attributeValue(record, attributeType.volumeInformation);
  if (information === undefined || information.length < 12)
    throw new NtfsFormatError('record 3 has no information about the volume');
  const label = attributeValue(record, attributeType.volumeName)?.toString('utf16le') ?? '';
  return {
    dirty: (information.readUInt16LE(10) & dirtyFlag) !== 0,
    label: label === '' ? undefined : label,
    serial: boot.readBigUInt64LE(72).toString(16).toUpperCase().padStart(16, '0'),
    version: `${information.readUInt8(8)}.${information.readUInt8(9)}`,
    sizeBytes,
  };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** Puts the bytes back that were replaced by a mark at the end of each 512; a mark that differs is a torn write. */
function unfix(record: Buffer): Buffer {
  if (record.toString('latin1', 0, 4) !== 'FILE')
    throw new NtfsFormatError('record 3 has no signature "FILE"');
  const start = record.readUInt16LE(4);
  const count = record.readUInt16LE(6);
  if (count !== record.length / fixupBytes + 1 || start + 2 * count > fixupBytes - 2)
    throw new NtfsFormatError(`record 3 has ${count} marks at byte ${start}`);
  const mark = record.readUInt16LE(start);
  for (let block = 1; block < count; block += 1) {
    const end = block * fixupBytes - 2;
    if (record.readUInt16LE(end) !== mark)
      throw new NtfsFormatError(`record 3 was written by halves: its mark at byte ${end} differs`);
    record.writeUInt16LE(record.readUInt16LE(start + 2 * block), end);
  }
  return record;
}

/** The value of the first attribute of a type, where it lies in the record; undefined where there is none. */
function attributeValue(record: Buffer, wanted: number): Buffer | undefined {
  const end = Math.min(record.readUInt32LE(24), record.length);
  for (let at = record.readUInt16LE(20); at + 24 <= end;) {
    const type = record.readUInt32LE(at);
    if (type === attributeType.end) return undefined;
    const length = record.readUInt32LE(at + 4);
    if (length < 24 || at + length > end)
      throw new NtfsFormatError(`the attribute at byte ${at} of record 3 has ${length} bytes`);
    const resident = record.readUInt8(at + 8) === 0;
    if (type === wanted && resident) {
      const size = record.readUInt32LE(at + 16);
      const from = record.readUInt16LE(at + 20);
      if (from + size > length)
        throw new NtfsFormatError(`the attribute at byte ${at} of record 3 is larger than its place`);
      return record.subarray(at + from, at + from + size);
    }
    at += length;
  }
  return undefined;
}

import { crc32 } from 'node:zlib';
import { guidToBytes } from './guid.ts';
import { entryCount, entrySectors, entrySize, headerSize, signature, type GptLayout } from './layout.ts';

/** Bytes and where on the disk they belong. */
export interface DiskBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Protective MBR + primary header + entries as one piece, and backup entries + header as another (UEFI 2.10 §5.2.3, §5.3). */
export function encodeGpt(layout: GptLayout): DiskBytes[] {
  const { sectorSize, diskSizeBytes } = layout;
  const lastLba = diskSizeBytes / sectorSize - 1;
  const arraySectors = entrySectors(sectorSize);
  const entries = encodeEntries(layout);
  const front = Buffer.alloc((2 + arraySectors) * sectorSize);
  protectiveMbr(diskSizeBytes / sectorSize).copy(front, 0);
  encodeHeader(layout, entries, { own: 1, other: lastLba, array: 2 }).copy(front, sectorSize);
  entries.copy(front, 2 * sectorSize);
  const back = Buffer.alloc((1 + arraySectors) * sectorSize);
  entries.copy(back, 0);
  encodeHeader(layout, entries, { own: lastLba, other: 1, array: lastLba - arraySectors }).copy(
    back,
    arraySectors * sectorSize,
  );
  return [
    { offset: 0, bytes: front },
    { offset: (lastLba - arraySectors) * sectorSize, bytes: back },
  ];
}

function protectiveMbr(sectors: number): Buffer {
  const mbr = Buffer.alloc(512);
  // One partition of type 0xEE over the whole disk; CHS values as the specification fixes them.
  mbr.set([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], 446);
  mbr.writeUInt32LE(1, 454);
  mbr.writeUInt32LE(Math.min(sectors - 1, 0xffffffff), 458);
  mbr.set([0x55, 0xaa], 510);
  return mbr;
}

function encodeEntries({ partitions }: GptLayout): Buffer {
  const array = Buffer.alloc(entryCount * entrySize);
  partitions.forEach((partition, index) => {
    const entry = array.subarray(index * entrySize, (index + 1) * entrySize);
    entry.set(guidToBytes(partition.typeGuid), 0);
    entry.set(guidToBytes(partition.guid), 16);
    entry.writeBigUInt64LE(BigInt(partition.firstLba), 32);
    entry.writeBigUInt64LE(BigInt(partition.lastLba), 40);
    entry.writeBigUInt64LE(partition.attributes, 48);
    entry.write(partition.name, 56, 72, 'utf16le');
  });
  return array;
}

function encodeHeader(
  layout: GptLayout,
  entries: Buffer,
  lba: { own: number; other: number; array: number },
): Buffer {
  const header = Buffer.alloc(headerSize);
  header.write(signature, 0, 'latin1');
  header.writeUInt32LE(0x00010000, 8);
  header.writeUInt32LE(headerSize, 12);
  header.writeBigUInt64LE(BigInt(lba.own), 24);
  header.writeBigUInt64LE(BigInt(lba.other), 32);
  header.writeBigUInt64LE(BigInt(layout.firstUsableLba), 40);
  header.writeBigUInt64LE(BigInt(layout.lastUsableLba), 48);
  header.set(guidToBytes(layout.diskGuid), 56);
  header.writeBigUInt64LE(BigInt(lba.array), 72);
  header.writeUInt32LE(entryCount, 80);
  header.writeUInt32LE(entrySize, 84);
  header.writeUInt32LE(crc32(entries), 88);
  header.writeUInt32LE(crc32(header), 16);
  return header;
}

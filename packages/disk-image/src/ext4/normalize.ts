import { open, type FileHandle } from 'node:fs/promises';
import { openRaw } from '../block/reader.ts';
import { typedWriteError } from '../block/sparse-file.ts';
import { writeAll } from '../block/write-all.ts';
import { Ext4FormatError } from '../errors.ts';
import { crc32c } from './crc32c.ts';
import { type BlockGroup, readGroups } from './groups.ts';
import { orderAttributes } from './order-xattrs.ts';
import {
  hasBackup,
  parseSuperblock,
  type Superblock,
  superblockOffset,
  superblockSize,
} from './superblock.ts';

export interface NormalizeOptions {
  readonly imagePath: string;
  readonly offsetBytes: number;
  /** Seconds since 1970 (0 … 2^31-1). */
  readonly epochSeconds: number;
}

export interface NormalizeReport {
  /** Inodes in use. */
  readonly inodes: number;
  /** Inodes whose bytes changed. */
  readonly changed: number;
}

/**
 * Makes an unmounted ext4 independent of when and on what file system its tree was written: access, change and birth
 * time become `epochSeconds`; a modification time later than that becomes it too; so do the superblock's
 * (and its copies'). Extended attributes are put into one order. Checksums are recomputed. With the arguments of ext4Arguments, equal trees then give equal bytes.
 * Works on the bytes, without a mount; idempotent.
 * @throws Ext4FormatError if it is no sound, clean ext4
 */
export async function normalizeExt4Times({
  imagePath,
  offsetBytes,
  epochSeconds,
}: NormalizeOptions): Promise<NormalizeReport> {
  if (!Number.isSafeInteger(epochSeconds) || epochSeconds < 0 || epochSeconds > 0x7fffffff)
    throw new Ext4FormatError(`epochSeconds ${epochSeconds} is not between 0 and 2^31-1`);
  const reader = await openRaw(imagePath);
  try {
    const file = await open(imagePath, 'r+');
    try {
      const raw = Buffer.from(await reader.read(offsetBytes + superblockOffset, superblockSize));
      const superblock = parseSuperblock(raw, reader.sizeBytes - offsetBytes);
      if (!superblock.checksumOk)
        throw new Ext4FormatError('the checksum of the ext4 superblock does not match');
      const groups = await readGroups(reader, offsetBytes, superblock, raw);
      let inodes = 0;
      let changed = 0;
      for (const [index, group] of groups.entries()) {
        const report = await normalizeTable(file, { superblock, group, index, offsetBytes, epochSeconds });
        inodes += report.inodes;
        changed += report.changed;
        if (hasBackup(superblock, index, raw))
          await normalizeSuperblock(file, superblock, offsetBytes, index, epochSeconds);
      }
      await file.datasync();
      return { inodes, changed };
    } catch (error) {
      throw typedWriteError(error, imagePath);
    } finally {
      await file.close();
    }
  } finally {
    await reader.close();
  }
}

interface TableJob {
  readonly superblock: Superblock;
  readonly group: BlockGroup;
  readonly index: number;
  readonly offsetBytes: number;
  readonly epochSeconds: number;
}

const chunkBytes = 1024 * 1024;

async function normalizeTable(file: FileHandle, job: TableJob): Promise<NormalizeReport> {
  const { superblock, group, index, offsetBytes, epochSeconds } = job;
  const { inodeSize, inodesPerGroup, blockSize } = superblock;
  let inodes = 0;
  let changed = 0;
  if (group.inodesUninitialized) return { inodes, changed };
  const used = inodesPerGroup - group.unusedInodes;
  const start = offsetBytes + group.inodeTableBlock * blockSize;
  const perChunk = Math.max(1, Math.floor(chunkBytes / inodeSize));
  for (let first = 0; first < used; first += perChunk) {
    const count = Math.min(perChunk, used - first);
    const table = Buffer.alloc(count * inodeSize);
    await file.read(table, 0, table.length, start + first * inodeSize);
    let low = Infinity;
    let high = 0;
    for (let slot = 0; slot < count; slot += 1) {
      const inode = table.subarray(slot * inodeSize, (slot + 1) * inodeSize);
      if (inode.readUInt16LE(0) === 0 && inode.readUInt16LE(26) === 0) continue;
      inodes += 1;
      const before = Buffer.from(inode);
      normalizeInode(inode, epochSeconds);
      await normalizeAttributes(file, inode, superblock, offsetBytes);
      if (superblock.hasMetadataChecksum)
        setInodeChecksum(inode, index * inodesPerGroup + first + slot + 1, superblock.checksumSeed);
      if (before.equals(inode)) continue;
      changed += 1;
      low = Math.min(low, slot * inodeSize);
      high = (slot + 1) * inodeSize;
    }
    // Only what changed is written: the rest of the table may be a hole.
    if (high > 0) await writeAll(file, table.subarray(low, high), start + first * inodeSize + low);
  }
  return { inodes, changed };
}

function normalizeInode(inode: Buffer, epoch: number): void {
  const extra = inode.length > 128 ? Math.min(inode.readUInt16LE(128), inode.length - 128) : 0;
  const hasExtra = (end: number): boolean => 128 + extra >= end;
  const seconds = inode.readInt32LE(16) + (hasExtra(140) ? (inode.readUInt32LE(136) & 3) * 2 ** 32 : 0);
  const nanoseconds = hasExtra(140) ? inode.readUInt32LE(136) >>> 2 : 0;
  inode.writeInt32LE(epoch, 8);
  inode.writeInt32LE(epoch, 12);
  if (seconds > epoch || (seconds === epoch && nanoseconds > 0)) {
    inode.writeInt32LE(epoch, 16);
    if (hasExtra(140)) inode.writeUInt32LE(0, 136);
  }
  if (hasExtra(136)) inode.writeUInt32LE(0, 132);
  if (hasExtra(144)) inode.writeUInt32LE(0, 140);
  if (hasExtra(148)) inode.writeInt32LE(epoch, 144);
  if (hasExtra(152)) inode.writeUInt32LE(0, 148);
}

async function normalizeAttributes(
  file: FileHandle,
  inode: Buffer,
  superblock: Superblock,
  offsetBytes: number,
): Promise<void> {
  const { blockSize, blocks, hasMetadataChecksum, checksumSeed } = superblock;
  const seed = hasMetadataChecksum ? checksumSeed : undefined;
  const number = inode.readUInt32LE(104) + inode.readUInt16LE(118) * 2 ** 32;
  if (number === 0) {
    orderAttributes(inode, undefined, seed);
    return;
  }
  if (number >= blocks) throw new Ext4FormatError(`attribute block ${number} lies outside the file system`);
  const at = offsetBytes + number * blockSize;
  const bytes = Buffer.alloc(blockSize);
  await file.read(bytes, 0, blockSize, at);
  // A block that several inodes share cannot be taken apart from one of them.
  if (bytes.readUInt32LE(4) !== 1) return;
  const before = Buffer.from(bytes);
  orderAttributes(inode, { bytes, number }, seed);
  if (!before.equals(bytes)) await writeAll(file, bytes, at);
}

/** Linux Documentation/filesystems/ext4/checksums.rst: UUID, inode number, generation, the inode with zeros for the checksum. */
function setInodeChecksum(inode: Buffer, number: number, seed: number): void {
  const wide = inode.length > 128 && inode.readUInt16LE(128) >= 4;
  inode.writeUInt16LE(0, 124);
  if (wide) inode.writeUInt16LE(0, 130);
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(number, 0);
  prefix.writeUInt32LE(inode.readUInt32LE(100), 4);
  const checksum = crc32c(crc32c(seed, prefix), inode);
  inode.writeUInt16LE(checksum & 0xffff, 124);
  if (wide) inode.writeUInt16LE(checksum >>> 16, 130);
}

async function normalizeSuperblock(
  file: FileHandle,
  superblock: Superblock,
  offsetBytes: number,
  group: number,
  epoch: number,
): Promise<void> {
  const { blockSize, blocksPerGroup, firstDataBlock } = superblock;
  const at =
    offsetBytes + (group === 0 ? superblockOffset : (firstDataBlock + group * blocksPerGroup) * blockSize);
  const bytes = Buffer.alloc(superblockSize);
  await file.read(bytes, 0, superblockSize, at);
  if (bytes.readUInt16LE(56) !== 0xef53) return;
  const before = Buffer.from(bytes);
  bytes.writeUInt32LE(epoch, 48); // last write
  bytes.writeUInt32LE(epoch, 64); // last check
  bytes.writeUInt32LE(epoch, 264); // made
  if (superblock.hasMetadataChecksum) bytes.writeUInt32LE(crc32c(0xffffffff, bytes.subarray(0, 1020)), 1020);
  if (!before.equals(bytes)) await writeAll(file, bytes, at);
}

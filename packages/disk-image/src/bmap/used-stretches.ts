import type { BlockReader } from '../block/reader.ts';
import { isImageFormatError } from '../errors.ts';
import { readGroups } from '../ext4/groups.ts';
import { readExt4State } from '../ext4/state.ts';
import { hasBackup, parseSuperblock, superblockOffset, superblockSize } from '../ext4/superblock.ts';
import { readFileSystem } from '../inspect/file-system.ts';
import { readTable } from '../inspect/partition-table.ts';

/** Bytes of a disk from `start` up to, not including, `end`. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

const bigalloc = 0x200;

/**
 * What file systems use, zeros or not, in order. A target that held something else before must get these zeros too: a
 * file of zeros, a journal, an inode table. What is not a clean ext4 counts as used wholly; what lies in no partition
 * as unused.
 */
export async function usedStretches(reader: BlockReader): Promise<Stretch[]> {
  const { table, partitions } = await readTable(reader);
  if (table.kind !== 'gpt') return await partitionUse(reader, { start: 0, end: reader.sizeBytes });
  const found: Stretch[] = [];
  for (const { startBytes, sizeBytes } of [...partitions].sort((a, b) => a.startBytes - b.startBytes))
    found.push(...(await partitionUse(reader, { start: startBytes, end: startBytes + sizeBytes })));
  return found;
}

async function partitionUse(reader: BlockReader, whole: Stretch): Promise<Stretch[]> {
  try {
    const { type } = (await readFileSystem(reader, whole.start, whole.end - whole.start)) ?? {};
    if (type !== 'ext4') return [whole];
    // The bitmaps of one that was not closed may not be right yet.
    if ((await readExt4State(reader, whole.start)).state !== 'clean') return [whole];
    return (await ext4Use(reader, whole)) ?? [whole];
  } catch (error) {
    if (!isImageFormatError(error)) throw error;
    return [whole];
  }
}

async function ext4Use(reader: BlockReader, whole: Stretch): Promise<Stretch[] | undefined> {
  const { start } = whole;
  const raw = Buffer.from(await reader.read(start + superblockOffset, superblockSize));
  const superblock = parseSuperblock(raw, whole.end - start);
  const { blockSize, blocks, blocksPerGroup, firstDataBlock, descriptorSize, groups } = superblock;
  if ((superblock.featureRoCompat & bigalloc) !== 0 || blocksPerGroup > blockSize * 8) return undefined;
  const found: Stretch[] = [];
  const add = (first: number, end: number): void => {
    const [from, to] = [start + first * blockSize, start + Math.min(end, blocks) * blockSize];
    const last = found.at(-1);
    if (last !== undefined && from <= last.end)
      found[found.length - 1] = { start: last.start, end: Math.max(last.end, to) };
    else found.push({ start: from, end: to });
  };
  // Boot block and superblock.
  add(0, firstDataBlock + 1);
  const reservedBlocks = raw.readUInt16LE(206);
  const headBlocks = 1 + Math.ceil((groups * descriptorSize) / blockSize) + reservedBlocks;
  for (const [group, { blockBitmapBlock, blocksUninitialized }] of (
    await readGroups(reader, start, superblock, raw)
  ).entries()) {
    const first = firstDataBlock + group * blocksPerGroup;
    const count = Math.min(blocksPerGroup, blocks - first);
    if (hasBackup(superblock, group, raw)) add(first, first + Math.min(headBlocks, count));
    if (blocksUninitialized) continue;
    if (blockBitmapBlock >= blocks) return undefined;
    const bitmap = await reader.read(start + blockBitmapBlock * blockSize, blockSize);
    for (let bit = 0; bit < count; bit += 1)
      if (((bitmap[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0) add(first + bit, first + bit + 1);
  }
  // A partition may be larger than its file system; nobody reads that, but it costs nothing where it is zeros.
  return found;
}

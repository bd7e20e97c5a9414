import type { BlockReader } from '../block/reader.ts';
import { Ext4FormatError } from '../errors.ts';
import type { Superblock } from './superblock.ts';
import { hasBackup } from './superblock.ts';

/** What is needed of a block group. */
export interface BlockGroup {
  readonly inodeTableBlock: number;
  /** No inode of the group was ever used, so its table may be anything. */
  readonly inodesUninitialized: boolean;
  /** Inodes at the end of the table that were never used. */
  readonly unusedInodes: number;
  readonly blockBitmapBlock: number;
  /** No block of the group was ever used, so its bitmap may be anything. */
  readonly blocksUninitialized: boolean;
}

const inodeUninit = 0x1;
const blockUninit = 0x2;

/** Every group descriptor, in order (Linux Documentation/filesystems/ext4/group_descr.rst). */
export async function readGroups(
  reader: BlockReader,
  offset: number,
  superblock: Superblock,
  rawSuperblock: Buffer,
): Promise<BlockGroup[]> {
  const {
    blockSize,
    groups,
    descriptorSize,
    firstDataBlock,
    firstMetaBg,
    blocksPerGroup,
    inodesPerGroup,
    inodeSize,
    blocks,
  } = superblock;
  const perBlock = Math.floor(blockSize / descriptorSize);
  const tableBlocks = Math.ceil((inodesPerGroup * inodeSize) / blockSize);
  const result: BlockGroup[] = [];
  for (let block = 0; block * perBlock < groups; block += 1) {
    // Behind the block that holds byte 1024.
    let at = (blockSize === 1024 ? 2 : 1) + block;
    if (block >= firstMetaBg) {
      // Meta block groups keep their descriptors in their own first group, behind a backup superblock if one is there.
      const group = block * perBlock;
      at = firstDataBlock + group * blocksPerGroup + (hasBackup(superblock, group, rawSuperblock) ? 1 : 0);
    }
    if (at >= blocks) throw new Ext4FormatError(`group descriptor block ${at} lies outside the file system`);
    const bytes = Buffer.from(await reader.read(offset + at * blockSize, blockSize));
    for (let index = 0; index < perBlock && result.length < groups; index += 1) {
      const descriptor = bytes.subarray(index * descriptorSize, (index + 1) * descriptorSize);
      const wide = descriptorSize >= 64;
      const inodeTableBlock = descriptor.readUInt32LE(8) + (wide ? descriptor.readUInt32LE(40) * 2 ** 32 : 0);
      const unused = descriptor.readUInt16LE(28) + (wide ? descriptor.readUInt16LE(50) * 2 ** 16 : 0);
      if (inodeTableBlock === 0 || inodeTableBlock + tableBlocks > blocks) {
        throw new Ext4FormatError(
          `the inode table of group ${result.length} at block ${inodeTableBlock} lies outside the file system`,
        );
      }
      result.push({
        inodeTableBlock,
        inodesUninitialized: (descriptor.readUInt16LE(18) & inodeUninit) !== 0,
        unusedInodes: Math.min(unused, inodesPerGroup),
        blockBitmapBlock: descriptor.readUInt32LE(0) + (wide ? descriptor.readUInt32LE(32) * 2 ** 32 : 0),
        blocksUninitialized: (descriptor.readUInt16LE(18) & blockUninit) !== 0,
      });
    }
  }
  return result;
}

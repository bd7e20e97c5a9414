import { Ext4FormatError, Ext4UnsupportedError } from '../errors.ts';
import { type Inode, inodeFlags } from './inode.ts';
import type { Volume } from './volume.ts';

/** Neighbouring blocks of a file. */
export interface FileExtent {
  /** First block within the file. */
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  readonly blocks: number;
}

const maxDepth = 5;

/**
 * The written extents of a file in order, from its extent tree (Linux Documentation/filesystems/ext4/ifork.rst).
 * Holes are left out, and so are unwritten (preallocated) extents, which read as zeros as well.
 */
export async function* fileExtents(volume: Volume, inode: Inode): AsyncGenerator<FileExtent> {
  if ((inode.flags & inodeFlags.encrypted) !== 0) throw new Ext4UnsupportedError('encryption');
  if ((inode.flags & inodeFlags.extents) === 0) {
    if (inode.block.every((byte) => byte === 0)) return;
    throw new Ext4UnsupportedError('block maps in place of extents');
  }
  // Strictly growing block numbers also end every walk over a tree that refers to itself.
  let next = 0;
  yield* node(inode.block, undefined);

  async function* node(bytes: Buffer, expectedDepth: number | undefined): AsyncGenerator<FileExtent> {
    const refuse = (reason: string): never => {
      throw new Ext4FormatError(`inode ${inode.number}: extent tree: ${reason}`);
    };
    if (bytes.readUInt16LE(0) !== 0xf30a) refuse('the magic number F30A is missing');
    const entries = bytes.readUInt16LE(2);
    const depth = bytes.readUInt16LE(6);
    if (12 + entries * 12 > bytes.length) refuse(`${entries} entries do not fit into ${bytes.length} bytes`);
    if (depth > maxDepth || (expectedDepth !== undefined && depth !== expectedDepth))
      refuse(`depth ${depth} is impossible`);
    let previousIndex = -1;
    for (let index = 0; index < entries; index += 1) {
      const at = 12 + index * 12;
      const logicalBlock = bytes.readUInt32LE(at);
      if (depth > 0) {
        // Each child covers blocks of its own; without that a node could name one child again and again.
        if (logicalBlock <= previousIndex || (index > 0 && logicalBlock < next))
          refuse('index entries are out of order');
        previousIndex = logicalBlock;
        const child = bytes.readUInt32LE(at + 4) + bytes.readUInt16LE(at + 8) * 2 ** 32;
        const childBytes = await volume.readBlocks(child, 0, volume.superblock.blockSize);
        if (childBytes.readUInt16LE(2) === 0) refuse('an empty node');
        yield* node(childBytes, depth - 1);
        continue;
      }
      const length = bytes.readUInt16LE(at + 4);
      const unwritten = length > 32768;
      const blocks = unwritten ? length - 32768 : length;
      const physicalBlock = bytes.readUInt32LE(at + 8) + bytes.readUInt16LE(at + 6) * 2 ** 32;
      if (blocks === 0 || logicalBlock < next) refuse('extents overlap or are out of order');
      if (physicalBlock === 0 || physicalBlock + blocks > volume.superblock.blocks)
        refuse(`blocks ${physicalBlock}+${blocks} lie outside the file system`);
      next = logicalBlock + blocks;
      if (!unwritten) yield { logicalBlock, physicalBlock, blocks };
    }
  }
}

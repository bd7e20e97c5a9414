import type { BlockReader } from '../block/reader.ts';
import { windowedReader } from '../block/window.ts';
import { Ext4FormatError, Ext4LimitError, Ext4UnsupportedError } from '../errors.ts';
import { type BlockGroup, readGroups } from './groups.ts';
import {
  incompat,
  parseSuperblock,
  type Superblock,
  superblockOffset,
  superblockSize,
} from './superblock.ts';

/** Bounds against images that would make a reader work or allocate without end. */
export interface Ext4Limits {
  /** Content that one walk hashes, holes included, in bytes; default the larger of 64 GiB and 8 × the file system. */
  readonly maxHashedBytes?: number;
  /** Largest file that readFile returns whole, in bytes; default 256 MiB. */
  readonly maxFileBytes?: number;
  /** Longest path, in bytes; default 16 KiB. */
  readonly maxPathBytes?: number;
}

/** An ext4 file system as blocks: the ground for inodes, files and folders. */
export interface Volume {
  readonly superblock: Superblock;
  readonly groups: readonly BlockGroup[];
  readonly limits: Required<Ext4Limits>;
  /** `length` bytes at `within` of block `block`; may reach over several blocks. */
  readBlocks(block: number, within: number, length: number): Promise<Buffer>;
}

/** Reads superblock and group descriptors; refuses features that change the layout in ways not known here. */
export async function openVolume(source: BlockReader, offset: number, limits: Ext4Limits): Promise<Volume> {
  const reader = windowedReader(source);
  const raw = Buffer.from(await reader.read(offset + superblockOffset, superblockSize));
  const superblock = parseSuperblock(raw, reader.sizeBytes - offset);
  const { featureIncompat, blockSize, blocks } = superblock;
  const known =
    0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000;
  if ((featureIncompat & incompat.compression) !== 0) throw new Ext4UnsupportedError('compression');
  if ((featureIncompat & incompat.journalDevice) !== 0)
    throw new Ext4UnsupportedError('the format of an external journal');
  if ((featureIncompat & ~known) !== 0)
    throw new Ext4UnsupportedError(`feature bits ${(featureIncompat & ~known).toString(16)}`);
  const groups = await readGroups(reader, offset, superblock, raw);
  return {
    superblock,
    groups,
    limits: {
      maxHashedBytes: limits.maxHashedBytes ?? Math.max(64 * 2 ** 30, 8 * blocks * blockSize),
      maxFileBytes: limits.maxFileBytes ?? 256 * 2 ** 20,
      maxPathBytes: limits.maxPathBytes ?? 16 * 1024,
    },
    async readBlocks(block, within, length) {
      const start = block * blockSize + within;
      if (block < 0 || start + length > blocks * blockSize)
        throw new Ext4FormatError(`block ${block} lies outside the file system`);
      const bytes = await reader.read(offset + start, length);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}

/** A budget that throws Ext4LimitError when it is spent. */
export function budget(limit: keyof Ext4Limits, bytes: number): (spend: number) => void {
  let left = bytes;
  return (spend) => {
    left -= spend;
    if (left < 0) throw new Ext4LimitError(limit, `more than ${bytes} bytes`);
  };
}

import type { BlockReader } from '../block/reader.ts';
import { Ext4FormatError } from '../errors.ts';
import { crc32c } from './crc32c.ts';

export const incompat = {
  compression: 0x1,
  filetype: 0x2,
  recover: 0x4,
  journalDevice: 0x8,
  metaBg: 0x10,
  bits64: 0x80,
  csumSeed: 0x2000,
  dirData: 0x1000,
} as const;
export const roCompat = {
  sparseSuper: 0x1,
  gdtChecksum: 0x10,
  metadataChecksum: 0x400,
  orphanPresent: 0x10000,
} as const;
const compatSparseSuper2 = 0x200;

/** The fields of an ext4 superblock that this package uses; every one is bounded by parseSuperblock. */
export interface Superblock {
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly inodes: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  readonly groups: number;
  readonly descriptorSize: number;
  readonly firstMetaBg: number;
  readonly state: number;
  readonly errorCount: number;
  readonly lastOrphan: number;
  readonly featureCompat: number;
  readonly featureIncompat: number;
  readonly featureRoCompat: number;
  readonly uuid: string;
  readonly label: string;
  /** Seed of every metadata checksum. */
  readonly checksumSeed: number;
  readonly hasMetadataChecksum: boolean;
  /** The stored checksum matches, or there is none. */
  readonly checksumOk: boolean;
}

export const superblockOffset = 1024;
export const superblockSize = 1024;

/** Reads and checks the superblock of the file system at `offset`. */
export async function readSuperblock(reader: BlockReader, offset: number): Promise<Superblock> {
  return parseSuperblock(
    Buffer.from(await reader.read(offset + superblockOffset, superblockSize)),
    reader.sizeBytes - offset,
  );
}

/**
 * Layout: Linux Documentation/filesystems/ext4/super.rst.
 * @throws Ext4FormatError for anything that cannot be true of a file system in `availableBytes`
 */
export function parseSuperblock(bytes: Buffer, availableBytes: number): Superblock {
  const refuse = (reason: string): never => {
    throw new Ext4FormatError(`no sound ext4 superblock: ${reason}`);
  };
  if (bytes.readUInt16LE(56) !== 0xef53) refuse('the magic number EF53 is missing');
  const featureIncompat = bytes.readUInt32LE(96);
  const featureRoCompat = bytes.readUInt32LE(100);
  const logBlockSize = bytes.readUInt32LE(24);
  if (logBlockSize > 6) refuse(`block size 2^${10 + logBlockSize} is impossible`);
  const blockSize = 1024 << logBlockSize;
  const wide = (featureIncompat & incompat.bits64) !== 0;
  const blocks = bytes.readUInt32LE(4) + (wide ? bytes.readUInt32LE(336) * 2 ** 32 : 0);
  const inodes = bytes.readUInt32LE(0);
  const firstDataBlock = bytes.readUInt32LE(20);
  const blocksPerGroup = bytes.readUInt32LE(32);
  const inodesPerGroup = bytes.readUInt32LE(40);
  const inodeSize = bytes.readUInt32LE(76) === 0 ? 128 : bytes.readUInt16LE(88);
  const descriptorSize = wide ? bytes.readUInt16LE(254) : 32;
  if (blocks === 0 || blocks * blockSize > availableBytes)
    refuse(`${blocks} blocks of ${blockSize} bytes do not fit into the ${availableBytes} bytes of the image`);
  // With 1 KiB blocks it is 1, but 0 again with bigalloc.
  if (firstDataBlock > (blockSize === 1024 ? 1 : 0))
    refuse(`first data block ${firstDataBlock} is impossible`);
  if (blocksPerGroup === 0 || blocksPerGroup > blockSize * 8 * 65536)
    refuse(`${blocksPerGroup} blocks per group are impossible`);
  if (inodesPerGroup === 0 || inodesPerGroup > blockSize * 8)
    refuse(`${inodesPerGroup} inodes per group are impossible`);
  if (inodeSize < 128 || inodeSize > blockSize || (inodeSize & (inodeSize - 1)) !== 0)
    refuse(`inode size ${inodeSize} is impossible`);
  if (descriptorSize < 32 || descriptorSize > 1024 || (descriptorSize & (descriptorSize - 1)) !== 0)
    refuse(`group descriptor size ${descriptorSize} is impossible`);
  const groups = Math.ceil((blocks - firstDataBlock) / blocksPerGroup);
  if (groups * descriptorSize > blocks * blockSize || inodes > groups * inodesPerGroup)
    refuse(`${groups} groups cannot hold ${inodes} inodes`);
  const hasMetadataChecksum = (featureRoCompat & roCompat.metadataChecksum) !== 0;
  return {
    blockSize,
    blocks,
    freeBlocks: bytes.readUInt32LE(12) + (wide ? bytes.readUInt32LE(344) * 2 ** 32 : 0),
    freeInodes: bytes.readUInt32LE(16),
    inodes,
    firstDataBlock,
    blocksPerGroup,
    inodesPerGroup,
    inodeSize,
    groups,
    descriptorSize,
    firstMetaBg: (featureIncompat & incompat.metaBg) !== 0 ? bytes.readUInt32LE(260) : Infinity,
    state: bytes.readUInt16LE(58),
    errorCount: bytes.readUInt32LE(404),
    lastOrphan: bytes.readUInt32LE(232),
    featureCompat: bytes.readUInt32LE(92),
    featureIncompat,
    featureRoCompat,
    uuid: bytes.toString('hex', 104, 120).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    label: bytes.toString('utf8', 120, 136).replace(/\0.*$/s, ''),
    checksumSeed:
      (featureIncompat & incompat.csumSeed) !== 0
        ? bytes.readUInt32LE(624)
        : crc32c(0xffffffff, bytes.subarray(104, 120)),
    hasMetadataChecksum,
    checksumOk:
      !hasMetadataChecksum || crc32c(0xffffffff, bytes.subarray(0, 1020)) === bytes.readUInt32LE(1020),
  };
}

/** Whether group `group` begins with a copy of the superblock. */
export function hasBackup(superblock: Superblock, group: number, raw: Buffer): boolean {
  if (group === 0) return true;
  if ((superblock.featureCompat & compatSparseSuper2) !== 0)
    return group === raw.readUInt32LE(588) || group === raw.readUInt32LE(592);
  if ((superblock.featureRoCompat & roCompat.sparseSuper) === 0 || group === 1) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}

import { Ext4FormatError } from '../errors.ts';
import type { Volume } from './volume.ts';

export type EntryType =
  'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket';

const types: Readonly<Record<number, EntryType>> = {
  0x1: 'fifo',
  0x2: 'character-device',
  0x4: 'directory',
  0x6: 'block-device',
  0x8: 'file',
  0xa: 'symlink',
  0xc: 'socket',
};

export const inodeFlags = {
  encrypted: 0x800,
  extents: 0x80000,
  eaInode: 0x200000,
  inlineData: 0x10000000,
} as const;

/** One inode, decoded (Linux Documentation/filesystems/ext4/inodes.rst). */
export interface Inode {
  readonly number: number;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly links: number;
  readonly flags: number;
  readonly mtimeSeconds: number;
  /** The 60 bytes of `i_block`: extent root, symlink target, device number or inline data. */
  readonly block: Buffer;
  /** Block of extended attributes; 0 for none. */
  readonly attributeBlock: number;
  /** What follows the fixed part of the inode: extended attributes. */
  readonly tail: Buffer;
}

/** @throws Ext4FormatError if there is no such inode in use */
export async function readInode(volume: Volume, number: number): Promise<Inode> {
  const { inodes, inodesPerGroup, inodeSize, blockSize } = volume.superblock;
  if (number < 1 || number > inodes)
    throw new Ext4FormatError(`inode ${number} does not exist (there are ${inodes})`);
  const group = volume.groups[Math.floor((number - 1) / inodesPerGroup)];
  if (group === undefined) throw new Ext4FormatError(`inode ${number} belongs to no group`);
  const at = ((number - 1) % inodesPerGroup) * inodeSize;
  const raw = await volume.readBlocks(
    group.inodeTableBlock + Math.floor(at / blockSize),
    at % blockSize,
    inodeSize,
  );
  const modeBits = raw.readUInt16LE(0);
  const type = types[modeBits >> 12];
  const links = raw.readUInt16LE(26);
  if (type === undefined || links === 0)
    throw new Ext4FormatError(`inode ${number} is named by a folder but is not in use`);
  const extra = inodeSize > 128 ? raw.readUInt16LE(128) : 0;
  if (extra > inodeSize - 128 || extra % 4 !== 0)
    throw new Ext4FormatError(`inode ${number}: extra size ${extra} is impossible`);
  const sizeBytes = raw.readUInt32LE(4) + raw.readUInt32LE(108) * 2 ** 32;
  if (!Number.isSafeInteger(sizeBytes))
    throw new Ext4FormatError(`inode ${number}: size ${sizeBytes} is impossible`);
  return {
    number,
    type,
    mode: modeBits & 0o7777,
    uid: raw.readUInt16LE(2) + raw.readUInt16LE(120) * 0x10000,
    gid: raw.readUInt16LE(24) + raw.readUInt16LE(122) * 0x10000,
    sizeBytes,
    links,
    flags: raw.readUInt32LE(32),
    mtimeSeconds: raw.readInt32LE(16) + (extra >= 12 ? (raw.readUInt32LE(136) & 3) * 2 ** 32 : 0),
    block: raw.subarray(40, 100),
    attributeBlock: raw.readUInt32LE(104) + raw.readUInt16LE(118) * 2 ** 32,
    tail: inodeSize > 128 && extra > 0 ? raw.subarray(128 + extra) : raw.subarray(0, 0),
  };
}

/** Device number of a device node, as `major` and `minor` (both encodings of the kernel). */
export function deviceNumber({ block }: Inode): { major: number; minor: number } {
  const old = block.readUInt32LE(0);
  if (old !== 0) return { major: (old >>> 8) & 0xff, minor: old & 0xff };
  const wide = block.readUInt32LE(4);
  return { major: (wide >>> 8) & 0xfff, minor: (wide & 0xff) | ((wide >>> 12) & 0xfff00) };
}

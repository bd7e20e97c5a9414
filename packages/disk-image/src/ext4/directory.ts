import { Ext4FormatError, Ext4UnsupportedError } from '../errors.ts';
import { content } from './content.ts';
import { type Inode, inodeFlags } from './inode.ts';
import type { Volume } from './volume.ts';

export interface DirectoryEntry {
  readonly inode: number;
  /** The name's bytes; never ".", "..", empty, or with a slash or NUL. */
  readonly name: Buffer;
}

/**
 * The entries of a folder in byte order of their names. Blocks of a hash tree are read like the others: its inner
 * nodes look like unused entries (Linux Documentation/filesystems/ext4/directory.rst).
 */
export async function readDirectory(volume: Volume, inode: Inode): Promise<DirectoryEntry[]> {
  const { blockSize, blocks } = volume.superblock;
  if ((inode.flags & inodeFlags.encrypted) !== 0) throw new Ext4UnsupportedError('encryption');
  if (inode.sizeBytes > blocks * blockSize)
    throw new Ext4FormatError(
      `inode ${inode.number}: a folder of ${inode.sizeBytes} bytes is larger than the file system`,
    );
  const entries: DirectoryEntry[] = [];
  const inline = (inode.flags & inodeFlags.inlineData) !== 0;
  for await (const piece of content(volume, inode)) {
    if (!Buffer.isBuffer(piece)) throw new Ext4FormatError(`inode ${inode.number}: a folder with a hole`);
    if (inline) {
      // The first four bytes are the parent's number; entries in the inode and in the attribute are two areas.
      readArea(inode, piece.subarray(4, 60), 56, entries);
      if (piece.length > 60) readArea(inode, piece.subarray(60), piece.length - 60, entries);
      continue;
    }
    if (piece.length % blockSize !== 0)
      throw new Ext4FormatError(`inode ${inode.number}: a folder that ends inside a block`);
    for (let at = 0; at < piece.length; at += blockSize)
      readArea(inode, piece.subarray(at, at + blockSize), blockSize, entries);
  }
  return entries.sort((a, b) => Buffer.compare(a.name, b.name));
}

function readArea(directory: Inode, area: Buffer, blockSize: number, entries: DirectoryEntry[]): void {
  const refuse = (reason: string): never => {
    throw new Ext4FormatError(`inode ${directory.number}: folder: ${reason}`);
  };
  for (let at = 0; at < area.length;) {
    if (at + 8 > area.length) refuse('an entry is cut');
    const inode = area.readUInt32LE(at);
    let length = area.readUInt16LE(at + 4);
    // 64 KiB do not fit into 16 bits.
    if (blockSize === 65536 && (length === 65535 || length === 0)) length = 65536;
    const nameLength = area.readUInt8(at + 6);
    if (length < 8 || length % 4 !== 0 || at + length > area.length || 8 + nameLength > length)
      refuse(`an entry of ${length} bytes is impossible`);
    if (inode !== 0) {
      const name = Buffer.from(area.subarray(at + 8, at + 8 + nameLength));
      const text = name.toString('latin1');
      if (text === '' || /[/\0]/.test(text)) refuse(`the name "${text}" is impossible`);
      if (text !== '.' && text !== '..') entries.push({ inode, name });
    }
    at += length;
  }
}

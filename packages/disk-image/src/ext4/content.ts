import { Ext4FormatError } from '../errors.ts';
import { fileExtents } from './extents.ts';
import { type Inode, inodeFlags } from './inode.ts';
import type { Volume } from './volume.ts';
import { readAttributes } from './xattrs.ts';

/** A piece of a file: bytes, or so many zeros that are stored nowhere. */
export type ContentPiece = Buffer | { readonly zeros: number };

const pieceBytes = 1024 * 1024;

/** The content of a file, a folder or a long symlink in order; exactly `sizeBytes` in all. */
export async function* content(volume: Volume, inode: Inode): AsyncGenerator<ContentPiece> {
  if ((inode.flags & inodeFlags.inlineData) !== 0) {
    yield await inlineContent(volume, inode);
    return;
  }
  const { blockSize } = volume.superblock;
  let position = 0;
  for await (const { logicalBlock, physicalBlock, blocks } of fileExtents(volume, inode)) {
    const start = logicalBlock * blockSize;
    const end = Math.min(start + blocks * blockSize, inode.sizeBytes);
    // Blocks behind the end of the file are preallocated and do not belong to it.
    if (start >= inode.sizeBytes) break;
    if (start > position) yield { zeros: start - position };
    for (position = start; position < end; position += pieceBytes) {
      yield await volume.readBlocks(physicalBlock, position - start, Math.min(pieceBytes, end - position));
    }
    position = end;
  }
  if (position < inode.sizeBytes) yield { zeros: inode.sizeBytes - position };
}

/** Small files inside the inode: 60 bytes in place of the block map, the rest as attribute `system.data`. */
async function inlineContent(volume: Volume, inode: Inode): Promise<Buffer> {
  const rest = (await readAttributes(volume, inode)).inlineData ?? Buffer.alloc(0);
  const bytes = Buffer.concat([inode.block, rest]);
  if (inode.sizeBytes > bytes.length)
    throw new Ext4FormatError(`inode ${inode.number}: ${inode.sizeBytes} bytes do not fit into the inode`);
  return bytes.subarray(0, inode.sizeBytes);
}

/** The whole content in one array, which must not be larger than `limit`. */
export async function wholeContent(volume: Volume, inode: Inode, limit: number): Promise<Buffer> {
  if (inode.sizeBytes > limit)
    throw new Ext4FormatError(
      `inode ${inode.number}: ${inode.sizeBytes} bytes; at most ${limit} were expected`,
    );
  const bytes = Buffer.alloc(inode.sizeBytes);
  let position = 0;
  for await (const piece of content(volume, inode)) {
    if (Buffer.isBuffer(piece)) {
      piece.copy(bytes, position);
      position += piece.length;
    } else {
      position += piece.zeros;
    }
  }
  return bytes;
}

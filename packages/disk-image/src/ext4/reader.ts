import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlockReader } from '../block/reader.ts';
import { updateZeros } from '../block/zeros.ts';
import { Ext4FormatError, Ext4LimitError, Ext4PathError } from '../errors.ts';
import type { TreeEntry } from '../tree/entry.ts';
import { content, wholeContent } from './content.ts';
import { readDirectory } from './directory.ts';
import { deviceNumber, type Inode, inodeFlags, readInode } from './inode.ts';
import { budget, type Ext4Limits, openVolume, type Volume } from './volume.ts';
import { readAttributes } from './xattrs.ts';

export interface Ext4ReaderOptions extends Ext4Limits {
  /** Checked between files and pieces of files. */
  readonly signal?: AbortSignal;
}

/** Read-only access to an ext4 file system, without a mount. The journal is not replayed: look at readExt4State first. */
export interface Ext4Reader {
  readonly uuid: string;
  readonly label: string;
  /**
   * Every file below (and with) `from`, parents first, names of a folder in byte order; files with the digest of their content.
   * @param from a folder; default `/`
   */
  walk(from?: string): AsyncIterable<TreeEntry>;
  /** Names in a folder, in byte order. */
  list(path: string): Promise<string[]>;
  /** Whole content of a file; symlinks are not followed. @throws Ext4PathError, Ext4LimitError (maxFileBytes) */
  readFile(path: string): Promise<Uint8Array>;
  /** The same in pieces, for large files. */
  createReadStream(path: string): Readable;
}

const rootInode = 2;
const zeroPiece = Buffer.alloc(64 * 1024);

/**
 * Opens the ext4 file system at `offset` of a disk. Every length in it is checked before it is used, so that a damaged or
 * hostile image gives a typed error: Ext4FormatError, Ext4UnsupportedError, Ext4LimitError or ImageBoundsError.
 * The reader stays yours: close it when you are done.
 */
export async function openExt4(
  reader: BlockReader,
  offset = 0,
  options: Ext4ReaderOptions = {},
): Promise<Ext4Reader> {
  const volume = await openVolume(reader, offset, options);
  const { signal } = options;
  const find = (path: string): Promise<Inode> => lookup(volume, path);
  async function* stream(path: string): AsyncGenerator<Buffer> {
    const inode = await regularFile(find, path);
    for await (const piece of content(volume, inode)) {
      signal?.throwIfAborted();
      if (Buffer.isBuffer(piece)) yield piece;
      else
        for (let left = piece.zeros; left > 0; left -= zeroPiece.length)
          yield zeroPiece.subarray(0, Math.min(left, zeroPiece.length));
    }
  }
  return {
    uuid: volume.superblock.uuid,
    label: volume.superblock.label,
    walk: (from = '/') => walk(volume, from, signal),
    async list(path) {
      const inode = await find(path);
      if (inode.type !== 'directory') throw new Ext4PathError(path, `is a ${inode.type}, not a folder`);
      return (await readDirectory(volume, inode)).map(({ name }) => name.toString('utf8'));
    },
    async readFile(path) {
      const inode = await regularFile(find, path);
      const { maxFileBytes } = volume.limits;
      if (inode.sizeBytes > maxFileBytes)
        throw new Ext4LimitError('maxFileBytes', `${path} has ${inode.sizeBytes} bytes`);
      return wholeContent(volume, inode, maxFileBytes);
    },
    createReadStream: (path) => Readable.from(stream(path), { objectMode: false }),
  };
}

async function regularFile(find: (path: string) => Promise<Inode>, path: string): Promise<Inode> {
  const inode = await find(path);
  if (inode.type !== 'file') throw new Ext4PathError(path, `is a ${inode.type}, not a file`);
  return inode;
}

async function lookup(volume: Volume, path: string): Promise<Inode> {
  let inode = await readInode(volume, rootInode);
  for (const part of path.split('/').filter((name) => name !== '')) {
    if (inode.type !== 'directory') throw new Ext4PathError(path, 'no such file in the image');
    const wanted = Buffer.from(part);
    const entry = (await readDirectory(volume, inode)).find(({ name }) => name.equals(wanted));
    if (entry === undefined) throw new Ext4PathError(path, 'no such file in the image');
    inode = await readInode(volume, entry.inode);
  }
  return inode;
}

async function* walk(
  volume: Volume,
  from: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<TreeEntry> {
  const { maxHashedBytes, maxPathBytes } = volume.limits;
  const { blocks, blockSize } = volume.superblock;
  const hashed = budget('maxHashedBytes', maxHashedBytes);
  const seenDirectories = new Set<number>();
  const linked = new Map<number, { path: string; sha256: string | undefined }>();
  // Folders may share blocks in a hostile image; sound ones never hold more than the file system does.
  let directoryBytesLeft = blocks * blockSize;
  const start = Buffer.from(
    `/${from
      .split('/')
      .filter((name) => name !== '')
      .join('/')}`,
  );
  const stack: { path: Buffer; inode: Inode | number }[] = [
    { path: start, inode: await lookup(volume, from) },
  ];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    signal?.throwIfAborted();
    const { path } = item;
    const inode = typeof item.inode === 'number' ? await readInode(volume, item.inode) : item.inode;
    const known = inode.type !== 'directory' && inode.links > 1 ? linked.get(inode.number) : undefined;
    const sha256 =
      inode.type !== 'file'
        ? undefined
        : known === undefined
          ? await hash(volume, inode, hashed, signal)
          : known.sha256;
    if (known === undefined && inode.type !== 'directory' && inode.links > 1)
      linked.set(inode.number, { path: path.toString(), sha256 });
    yield await describe(volume, inode, path, sha256, known?.path);
    if (inode.type !== 'directory') continue;
    if (seenDirectories.has(inode.number))
      throw new Ext4FormatError(`inode ${inode.number}: a folder with two names`);
    seenDirectories.add(inode.number);
    directoryBytesLeft -= inode.sizeBytes;
    if (directoryBytesLeft < 0) throw new Ext4FormatError('the folders are larger than the file system');
    const parent = path.length === 1 ? path : Buffer.concat([path, Buffer.from('/')]);
    for (const entry of (await readDirectory(volume, inode)).reverse()) {
      const child = Buffer.concat([parent, entry.name]);
      if (child.length > maxPathBytes)
        throw new Ext4LimitError('maxPathBytes', `a path of more than ${maxPathBytes} bytes`);
      stack.push({ path: child, inode: entry.inode });
    }
  }
}

async function hash(
  volume: Volume,
  inode: Inode,
  spend: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  spend(inode.sizeBytes);
  const digest = createHash('sha256');
  for await (const piece of content(volume, inode)) {
    signal?.throwIfAborted();
    if (Buffer.isBuffer(piece)) digest.update(piece);
    else await updateZeros(digest, piece.zeros, signal);
  }
  return digest.digest('hex');
}

async function describe(
  volume: Volume,
  inode: Inode,
  pathBytes: Buffer,
  sha256: string | undefined,
  hardLinkTo: string | undefined,
): Promise<TreeEntry> {
  const { type, mode, uid, gid, mtimeSeconds } = inode;
  const path = pathBytes.toString('utf8');
  const { xattrs } = await readAttributes(volume, inode);
  const device = type === 'character-device' || type === 'block-device' ? deviceNumber(inode) : undefined;
  return {
    path,
    ...(Buffer.from(path).equals(pathBytes) ? {} : { pathHex: pathBytes.toString('hex') }),
    type,
    mode,
    uid,
    gid,
    sizeBytes: type === 'file' || type === 'symlink' ? inode.sizeBytes : 0,
    ...(type === 'symlink' ? { linkTarget: await linkTarget(volume, inode) } : {}),
    ...(sha256 === undefined ? {} : { sha256 }),
    xattrs,
    ...(device === undefined ? {} : { rdev: `${device.major}:${device.minor}` }),
    mtimeSeconds,
    ...(hardLinkTo === undefined ? {} : { hardLinkTo }),
  };
}

/** Targets of less than 60 bytes lie in the inode itself. */
async function linkTarget(volume: Volume, inode: Inode): Promise<string> {
  const stored = (inode.flags & (inodeFlags.extents | inodeFlags.inlineData)) !== 0;
  if (stored) return (await wholeContent(volume, inode, volume.superblock.blockSize)).toString('utf8');
  if (inode.sizeBytes >= 60)
    throw new Ext4FormatError(
      `inode ${inode.number}: a link target of ${inode.sizeBytes} bytes does not fit into the inode`,
    );
  return inode.block.toString('utf8', 0, inode.sizeBytes);
}

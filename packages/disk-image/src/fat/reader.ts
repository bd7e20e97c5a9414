import { createHash } from 'node:crypto';
import type { BlockReader } from '../block/reader.ts';
import { FatFormatError } from '../errors.ts';
import type { TreeEntry } from '../tree/entry.ts';
import { chainPieces } from './chain.ts';
import { type FatEntry, parseDirectory } from './directory.ts';
import { type FatVolume, openVolume } from './volume.ts';

export interface FatReaderOptions {
  /** What there is for the file system; default: to the end of the disk. */
  readonly sizeBytes?: number;
  /** Checked between files and pieces of files. */
  readonly signal?: AbortSignal;
}

/** Read-only access to a FAT file system, without a mount. */
export interface FatReader {
  /**
   * Every file with the digest of its content, and the root; parents first, names of a folder in byte order. FAT has no
   * owners and no modes: they are 0, and 0755 or 0644, without the w where the read-only flag is set.
   */
  walk(): AsyncIterable<TreeEntry>;
}

/** A folder has at most 65,536 entries of 32 bytes. */
const maxFolderBytes = 2 * 1024 * 1024;
const maxPathBytes = 16 * 1024;

/**
 * Opens the FAT12, FAT16 or FAT32 at `offset` of a disk. Every number in it is checked before it is used: a damaged or
 * hostile image gives FatFormatError or ImageBoundsError. The reader stays yours: close it when you are done.
 */
export async function openFat(
  reader: BlockReader,
  offset = 0,
  options: FatReaderOptions = {},
): Promise<FatReader> {
  const { sizeBytes = reader.sizeBytes - offset, signal } = options;
  const volume = await openVolume(reader, offset, sizeBytes);
  return { walk: () => walk(volume, signal) };
}

async function* walk(volume: FatVolume, signal: AbortSignal | undefined): AsyncGenerator<TreeEntry> {
  // Sound files share no cluster: all together are no larger than the clusters, whatever the chains look like.
  let bytesLeft = volume.clusters * volume.clusterSizeBytes + volume.rootBytes;
  const spend = (bytes: number): void => {
    bytesLeft -= bytes;
    if (bytesLeft < 0) throw new FatFormatError('the files and folders are larger than the file system');
  };
  const folders = new Set<number>();
  const root: TreeEntry = {
    path: '/',
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    xattrs: {},
    mtimeSeconds: 0,
  };
  yield root;
  const children = async (parent: string, content: AsyncIterable<Buffer>): Promise<Item[]> => {
    const pieces: Buffer[] = [];
    for await (const piece of content) {
      spend(piece.length);
      pieces.push(piece);
    }
    const entries = parseDirectory(Buffer.concat(pieces), volume.type);
    return entries.map((entry) => ({ entry, path: `${parent}/${entry.name}` })).reverse();
  };
  const folder = (first: number): AsyncIterable<Buffer> => {
    if (folders.has(first)) throw new FatFormatError(`the folder at cluster ${first} has two names`);
    folders.add(first);
    return chainPieces(volume, first, undefined, maxFolderBytes);
  };
  const { rootCluster } = volume;
  const stack = await children('', rootCluster === undefined ? fixedRoot(volume) : folder(rootCluster));
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    signal?.throwIfAborted();
    const { path, entry } = item;
    if (path.length > maxPathBytes) throw new FatFormatError(`a path of more than ${maxPathBytes} bytes`);
    const { directory, readOnly, sizeBytes, mtimeSeconds } = entry;
    yield {
      ...root,
      path,
      mode: (directory ? 0o755 : 0o644) & (readOnly ? 0o555 : 0o777),
      mtimeSeconds,
      ...(directory ? {} : { type: 'file', sizeBytes, sha256: await hash(volume, entry, spend, signal) }),
    };
    if (directory) stack.push(...(await children(path, folder(entry.firstCluster))));
  }
}

interface Item {
  readonly path: string;
  readonly entry: FatEntry;
}

async function* fixedRoot(volume: FatVolume): AsyncGenerator<Buffer> {
  yield await volume.read(volume.rootOffset, volume.rootBytes);
}

async function hash(
  volume: FatVolume,
  { firstCluster, sizeBytes }: FatEntry,
  spend: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  spend(sizeBytes);
  const digest = createHash('sha256');
  for await (const piece of chainPieces(volume, firstCluster, sizeBytes, sizeBytes)) {
    signal?.throwIfAborted();
    digest.update(piece);
  }
  return digest.digest('hex');
}

import { readFile, stat } from 'node:fs/promises';
import { type BlockReader, foreignHeadBytes, openRaw } from '@osforge/disk-image/raw';
import { FlashSourceError } from '../errors.ts';
import { bmapExtents, parseBmap } from './bmap.ts';
import { compressedSource } from './compressed-source.ts';
import { decompressedSize } from './decompressed-size.ts';
import { assertDiskInside, detectSourceFormat } from './detect-source-format.ts';
import { gptHeadBytes, gptSectorBytes } from './gpt-sector-bytes.ts';
import { randomAccessSource } from './random-access-source.ts';
import type { ImageSource, SourceFormat, UnreadSource } from './source.ts';

/** The unit in which stat(2) counts what a file takes, whatever the file system's blocks are. */
const statBlockBytes = 512;

/** Which image to write. Plain data. */
export interface SourceRequest {
  readonly path: string;
  /** Default: told from the first bytes; everything unknown is raw. Give it for images that you do not trust. */
  readonly format?: SourceFormat | undefined;
  /** A bmap file about the image inside: its size, and where it is zeros. */
  readonly bmapPath?: string | undefined;
  /** SHA-256 of the whole image inside (not of the compressed file), in hex; a target is not completed if it differs. */
  readonly sha256?: string | undefined;
}

/** @throws FlashSourceError */
export async function openSource(request: SourceRequest): Promise<ImageSource> {
  return await openAs(request, { check: true });
}

/**
 * What an image says of itself, without reading all of it.
 * @throws FlashSourceError
 */
export async function describeSource(
  request: SourceRequest,
): Promise<Pick<ImageSource, 'path' | 'format' | 'sizeBytes' | 'sectorBytes'>> {
  const source = await openAs(request, { check: false });
  await source.close();
  const { path, format, sizeBytes, sectorBytes } = source;
  return { path, format, sizeBytes, sectorBytes };
}

async function openAs(request: SourceRequest, { check }: { check: boolean }): Promise<ImageSource> {
  const { path } = request;
  try {
    const status = await stat(path);
    if (!status.isFile() && !status.isBlockDevice())
      throw new FlashSourceError(`${path} is neither a file nor a device`, { path, reason: 'format' });
    const format = request.format ?? (await detectSourceFormat(path));
    const bmap =
      request.bmapPath === undefined
        ? undefined
        : parseBmap(await readFile(request.bmapPath, 'utf8'), request.bmapPath);
    const extents = bmap === undefined ? undefined : bmapExtents(bmap);
    if (format === 'gzip' || format === 'xz' || format === 'zstd') {
      const sizeBytes = bmap?.imageSizeBytes ?? (await decompressedSize(path, format));
      const source = { ...compressedSource({ path, format, sizeBytes }), extents };
      const head = await readHead(source);
      if (request.format === undefined) assertDiskInside(head, path);
      return { ...source, sectorBytes: gptSectorBytes(head) };
    }
    if (check && format !== 'raw') await assertSound(path, format);
    const hasNoHoles = status.blocks * statBlockBytes >= status.size;
    const { reader, toldSectorBytes } = await openDisk(path, format, extents === undefined && !hasNoHoles);
    if (bmap !== undefined && bmap.imageSizeBytes !== reader.sizeBytes) {
      await reader.close();
      const message = `${String(request.bmapPath)} is about ${bmap.imageSizeBytes} bytes, and ${path} has ${reader.sizeBytes}`;
      throw new FlashSourceError(message, { path, reason: 'changed' });
    }
    const source = await randomAccessSource({ path, format, reader, extents });
    return { ...source, sectorBytes: gptSectorBytes(await readHead(source)) ?? toldSectorBytes };
  } catch (error) {
    throw asSourceError(error, path);
  }
}

/** The beginning of the disk inside; zeros where it cannot be read, as who reads all of it says what is wrong. */
async function readHead(source: UnreadSource): Promise<Buffer> {
  const head = Buffer.alloc(Math.max(foreignHeadBytes, gptHeadBytes));
  const reader = await source.open(0);
  try {
    await reader.read(head);
  } catch {
    head.fill(0);
  } finally {
    await reader.close();
  }
  return head;
}

/** The rest of disk-image is loaded only where it is needed: it weighs megabytes in a process that should be small. */
async function openDisk(
  path: string,
  format: Exclude<SourceFormat, 'gzip' | 'xz' | 'zstd'>,
  findHoles: boolean,
): Promise<{ readonly reader: BlockReader; readonly toldSectorBytes: number | undefined }> {
  if (format === 'raw' && !findHoles) return { reader: await openRaw(path), toldSectorBytes: undefined };
  const { openFfu, openImage } = await import('@osforge/disk-image');
  if (format !== 'ffu') return { reader: await openImage(path, format), toldSectorBytes: undefined };
  const reader = await openFfu(path);
  const disks = reader.layout.stores.length;
  if (disks > 1) {
    await reader.close();
    const message = `${path} has ${disks} disks, of which a target takes one: take it out first (osforge convert --disk)`;
    throw new FlashSourceError(message, { path, reason: 'format' });
  }
  const { sectorSize, sectorSizeTold } = reader.store;
  return { reader, toldSectorBytes: sectorSizeTold ? sectorSize : undefined };
}

/** Also refuses whatever other file of this machine an image names as its own beginning. */
async function assertSound(path: string, format: 'qcow2' | 'vhdx' | 'ffu'): Promise<void> {
  const { ImageDamagedError, refuseBacking, requireSound } = await import('@osforge/disk-image');
  if (format === 'qcow2') await refuseBacking(path);
  try {
    await requireSound(path, format);
  } catch (cause) {
    if (!(cause instanceof ImageDamagedError)) throw cause;
    throw new FlashSourceError(cause.message, { path, reason: 'damaged' }, { cause });
  }
}

/** The error of this package for a failure of an image. */
export function asSourceError(error: unknown, path: string): FlashSourceError {
  if (error instanceof FlashSourceError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const detail = error instanceof Error ? error.message : String(error);
  const reason = code === 'ENOENT' ? 'missing' : code === 'EIO' ? 'io' : 'damaged';
  return new FlashSourceError(
    `the image ${path} cannot be read: ${detail}`,
    { path, reason },
    { cause: error },
  );
}

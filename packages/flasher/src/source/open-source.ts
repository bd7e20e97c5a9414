import { open, readFile, stat } from 'node:fs/promises';
import { type BlockReader, foreignFile, foreignHeadBytes, openRaw } from '@osforge/disk-image/raw';
import { FlashSourceError } from '../errors.ts';
import { bmapExtents, parseBmap } from './bmap.ts';
import { compressedSource } from './compressed-source.ts';
import { decompressedSize } from './decompressed-size.ts';
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
    const format = request.format ?? (await detectFormat(path));
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
    if (check && format === 'qcow2') await assertSound(path);
    if (check && format === 'ffu') await assertDigests(path);
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

/** Of a `x.tar.gz` or a `x.qcow2.zst` the bytes that come out are no disk. */
function assertDiskInside(head: Buffer, path: string): void {
  const format = formatOf(head, `what comes out of ${path}`, path);
  if (format === 'raw') return;
  const message = `what comes out of ${path} is ${format}, not a raw disk: unpack it first, and write what was in it`;
  throw new FlashSourceError(message, { path, reason: 'format' });
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
  const { sectorSize, sectorSizeTold } = reader.store;
  return { reader, toldSectorBytes: sectorSizeTold ? sectorSize : undefined };
}

/**
 * qemu reads what is beyond the end of a cut file as zeros, without a word; and whatever file of this machine an image
 * names as its own beginning.
 */
async function assertSound(path: string): Promise<void> {
  const { checkImage, refuseBacking } = await import('@osforge/disk-image');
  await refuseBacking(path);
  const { corruptions, checkErrors } = await checkImage(path, 'qcow2');
  if (corruptions + checkErrors === 0) return;
  const message = `${path} is damaged or cut (qemu-img check: ${corruptions} corruptions, ${checkErrors} errors)`;
  throw new FlashSourceError(message, { path, reason: 'damaged' });
}

/** Reading a block of an FFU does not compare it with its digest. */
async function assertDigests(path: string): Promise<void> {
  const { verifyFfu } = await import('@osforge/disk-image');
  const { ok, damage, damageCount, digests } = await verifyFfu(path);
  if (ok) return;
  const [first] = damage;
  const where =
    first === undefined
      ? 'its hash table is not what its catalog says'
      : `${damageCount} of ${digests} chunks are not what their digests say, the first at byte ${first.offsetBytes}`;
  throw new FlashSourceError(`${path} is damaged (${where}): fetch it again`, { path, reason: 'damaged' });
}

/** Of an FFU, behind the four bytes of its header's length. */
const ffuMagic = Buffer.from('SignedImage ');
const magics: readonly (readonly [SourceFormat, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['qcow2', Buffer.from([0x51, 0x46, 0x49, 0xfb])],
  ['vhdx', Buffer.from('vhdxfile')],
];

async function detectFormat(path: string): Promise<SourceFormat> {
  const head = Buffer.alloc(foreignHeadBytes);
  const file = await open(path, 'r');
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  return formatOf(head, path, path);
}

/** @throws FlashSourceError for what is known not to be a disk image that can be read; `what` says whose bytes these are */
function formatOf(head: Buffer, what: string, path: string): SourceFormat {
  if (head.subarray(4, 4 + ffuMagic.length).equals(ffuMagic)) return 'ffu';
  // A zstd file may begin with a frame to skip, as that of pzstd does (RFC 8878, 3.1.2).
  if ((head.readUInt32LE(0) & 0xffff_fff0) >>> 0 === 0x184d_2a50) return 'zstd';
  const foreign = foreignFile(head);
  if (foreign !== undefined)
    throw new FlashSourceError(`${what} is ${foreign.what}, not a disk image: ${foreign.remedy}`, {
      path,
      reason: 'format',
    });
  return magics.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0] ?? 'raw';
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

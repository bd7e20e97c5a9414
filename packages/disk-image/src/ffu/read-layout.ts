import type { BlockReader } from '../block/reader.ts';
import { FfuFormatError, FfuUnsupportedError } from '../errors.ts';
import {
  alignUp,
  digestBytes,
  type FfuKind,
  imageHeaderBytes,
  imageSignature,
  securityHeaderBytes,
  securitySignature,
  sha256AlgorithmId,
} from './layout.ts';
import { type ManifestSection, readManifest, storeGeometries } from './read-manifest.ts';
import { readPart } from './read-part.ts';
import { readStoreHeader, type StoreHeader } from './read-store-header.ts';
import { measureStore, type StoreMeasure } from './measure-store.ts';

/** One store: a disk, and where its parts lie in the file. */
export interface FfuStore extends StoreHeader, StoreMeasure {
  readonly payloadOffset: number;
  /** Bytes of payload in the file. */
  readonly payloadBytes: number;
  /** 512 where the manifest does not say. */
  readonly sectorSize: 512 | 4096;
  /** Whether the manifest says so. */
  readonly sectorSizeTold: boolean;
  /** From the manifest; without it, what the blocks need. */
  readonly diskSizeBytes: number;
}

/** Everything of a file but its payload; offsets are bytes of the file, all checked against its length. */
export interface FfuLayout {
  readonly kind: FfuKind;
  readonly fileBytes: number;
  readonly chunkBytes: number;
  readonly catalogOffset: number;
  readonly catalogBytes: number;
  readonly hashTableOffset: number;
  readonly hashTableBytes: number;
  /** What the hash table covers begins here. */
  readonly imageHeaderOffset: number;
  readonly manifest: readonly ManifestSection[];
  readonly stores: readonly FfuStore[];
  /** Where all headers end and the first payload begins. */
  readonly payloadOffset: number;
  /** How many digests the table must have. */
  readonly expectedDigests: number;
}

export interface ReadLayoutOptions {
  readonly maxTableBytes: number;
  readonly signal?: AbortSignal | undefined;
}

const maxManifestBytes = 64 * 1024;
const maxStores = 64;
const maxDeviceInfos = 64;

/**
 * Reads and checks all headers; the descriptors are walked once, and kept nowhere.
 * @throws FfuFormatError, FfuUnsupportedError, FfuLimitError
 */
export async function readLayout(reader: BlockReader, options: ReadLayoutOptions): Promise<FfuLayout> {
  const fileBytes = reader.sizeBytes;
  const security = await readSecurityHeader(reader);
  const { chunkBytes, catalogBytes, hashTableBytes } = security;
  const hashTableOffset = securityHeaderBytes + catalogBytes;
  if (hashTableOffset + hashTableBytes > fileBytes)
    throw new FfuFormatError(
      'security header',
      24,
      `catalog (${catalogBytes} bytes) and hash table (${hashTableBytes} bytes) reach behind the end of the file of ${fileBytes} bytes`,
    );
  const imageHeaderOffset = alignUp(hashTableOffset + hashTableBytes, chunkBytes);
  const image = await readImageHeader(reader, imageHeaderOffset, chunkBytes);
  const geometries = storeGeometries(image.manifest, imageHeaderOffset + imageHeaderBytes);

  const measured: (StoreHeader &
    StoreMeasure &
    Pick<FfuStore, 'sectorSize' | 'sectorSizeTold' | 'diskSizeBytes'>)[] = [];
  let at = alignUp(image.endOffset, chunkBytes);
  for (let index = 0, count = 1; index < count; index += 1) {
    const header = await readStoreHeader(reader, at);
    if (index === 0) {
      count = header.storeCount;
      if (count < 1 || count > maxStores) throw new FfuFormatError('store header', at, `${count} stores`);
    } else if (header.kind !== 'v2' || header.storeCount !== count) {
      throw new FfuFormatError('store header', at, `store ${index + 1} is of another kind than the first`);
    }
    const geometry = geometries[index];
    const sectorSize = geometry?.sectorSize === 4096 ? 4096 : 512;
    const announced = geometry?.sectorCount === undefined ? undefined : geometry.sectorCount * sectorSize;
    if (announced !== undefined && !(announced <= 2 ** 32 * header.blockBytes))
      throw new FfuFormatError(
        'manifest',
        imageHeaderOffset + imageHeaderBytes,
        `a disk of ${announced} bytes`,
      );
    const measure = await measureStore(reader, header, announced, options);
    const diskSizeBytes = announced ?? measure.blocksEnd * header.blockBytes;
    const sectorSizeTold = geometry?.sectorSize !== undefined;
    measured.push({ ...header, ...measure, sectorSize, sectorSizeTold, diskSizeBytes });
    at = alignUp(header.descriptorsOffset + header.descriptorsBytes, chunkBytes);
  }

  const payloadOffset = at;
  const stores = measured.map((store): FfuStore => {
    const payloadBytes =
      store.kind === 'v1-compressed' ? store.dataBytes : store.payloadBlocks * store.blockBytes;
    if (store.announcedPayloadBytes !== undefined && store.announcedPayloadBytes !== payloadBytes)
      throw new FfuFormatError(
        'store header',
        store.offsetBytes,
        `a payload of ${store.announcedPayloadBytes} bytes is announced, but its descriptors need ${payloadBytes}`,
      );
    if (at + payloadBytes > fileBytes)
      throw new FfuFormatError(
        'payload',
        at,
        `${payloadBytes} bytes are needed, but the file ends at byte ${fileBytes}: it is truncated`,
      );
    const placed = { ...store, payloadOffset: at, payloadBytes };
    at += payloadBytes;
    return placed;
  });
  const [first] = stores;
  if (first === undefined) throw new FfuFormatError('store header', payloadOffset, 'there is no store');
  return {
    kind: first.kind,
    fileBytes,
    chunkBytes,
    catalogOffset: securityHeaderBytes,
    catalogBytes,
    hashTableOffset,
    hashTableBytes,
    imageHeaderOffset,
    manifest: image.manifest,
    stores,
    payloadOffset,
    expectedDigests:
      first.kind === 'v1-compressed'
        ? (payloadOffset - imageHeaderOffset) / chunkBytes + first.descriptorCount
        : Math.ceil((fileBytes - imageHeaderOffset) / chunkBytes),
  };
}

async function readSecurityHeader(
  reader: BlockReader,
): Promise<{ chunkBytes: number; catalogBytes: number; hashTableBytes: number }> {
  const bytes = await readPart(reader, 'security header', 0, securityHeaderBytes);
  if (bytes.readUInt32LE(0) !== securityHeaderBytes || bytes.toString('latin1', 4, 16) !== securitySignature)
    throw new FfuFormatError(
      'security header',
      0,
      'no "SignedImage ": not an FFU, or one that was not completed',
    );
  const kilobytes = bytes.readUInt32LE(16);
  if (kilobytes < 1 || kilobytes > 1024 || (kilobytes & (kilobytes - 1)) !== 0)
    throw new FfuFormatError(
      'security header',
      16,
      `a chunk of ${kilobytes} KiB; a power of two up to 1024 is possible`,
    );
  const algorithm = bytes.readUInt32LE(20);
  if (algorithm !== sha256AlgorithmId)
    throw new FfuUnsupportedError(`hash algorithm 0x${algorithm.toString(16)}`);
  const hashTableBytes = bytes.readUInt32LE(28);
  if (hashTableBytes % digestBytes !== 0)
    throw new FfuFormatError(
      'security header',
      28,
      `a hash table of ${hashTableBytes} bytes, not whole digests`,
    );
  return { chunkBytes: kilobytes * 1024, catalogBytes: bytes.readUInt32LE(24), hashTableBytes };
}

async function readImageHeader(
  reader: BlockReader,
  offset: number,
  chunkBytes: number,
): Promise<{ manifest: ManifestSection[]; endOffset: number }> {
  const bytes = await readPart(reader, 'image header', offset, imageHeaderBytes);
  const size = bytes.readUInt32LE(0);
  if ((size !== 24 && size !== 28) || bytes.toString('latin1', 4, 16) !== imageSignature)
    throw new FfuFormatError('image header', offset, 'no "ImageFlash  " where the image header must be');
  const manifestBytes = bytes.readUInt32LE(16);
  if (manifestBytes > maxManifestBytes)
    throw new FfuFormatError(
      'image header',
      offset + 16,
      `a manifest of ${manifestBytes} bytes; at most 64 KiB`,
    );
  if (bytes.readUInt32LE(20) * 1024 !== chunkBytes)
    throw new FfuFormatError(
      'image header',
      offset + 20,
      `chunks of ${bytes.readUInt32LE(20)} KiB here, but of ${chunkBytes / 1024} KiB in the security header`,
    );
  const infos = size === 28 ? (await readPart(reader, 'image header', offset + 24, 4)).readUInt32LE(0) : 0;
  if (infos > maxDeviceInfos)
    throw new FfuFormatError(
      'image header',
      offset + 24,
      `${infos} device target infos; at most ${maxDeviceInfos}`,
    );
  const manifestOffset = offset + size;
  const text = await readPart(reader, 'manifest', manifestOffset, manifestBytes);
  let end = manifestOffset + manifestBytes;
  for (let index = 0; index < infos; index += 1) {
    const lengths = await readPart(reader, 'image header', end, 28);
    end += 28;
    for (let field = 0; field < 7; field += 1) end += lengths.readUInt32LE(4 * field);
    if (end > reader.sizeBytes)
      throw new FfuFormatError(
        'image header',
        end,
        `device target info ${index} reaches behind the end of the file`,
      );
  }
  return { manifest: readManifest(text, manifestOffset), endOffset: end };
}

import type { BlockReader } from '../block/reader.ts';
import { FfuFormatError, FfuUnsupportedError } from '../errors.ts';
import { type FfuKind, platformIdBytes, storeHeaderBytes } from './layout.ts';
import { readPart } from './read-part.ts';

/** A range of payload blocks with a meaning: blank, temporary and final partition tables. */
export interface TableRange {
  readonly index: number;
  readonly count: number;
}

/** What a store header says; offsets are bytes of the file. */
export interface StoreHeader {
  readonly kind: FfuKind;
  readonly offsetBytes: number;
  /** 0 full, 1 partial. */
  readonly updateType: number;
  readonly platformIds: readonly string[];
  readonly blockBytes: number;
  readonly descriptorCount: number;
  readonly descriptorsOffset: number;
  readonly descriptorsBytes: number;
  readonly validationCount: number;
  readonly tables: {
    readonly initial: TableRange;
    readonly flashOnly: TableRange;
    readonly final: TableRange;
  };
  /** COMPRESSION_FORMAT_*; 0 in uncompressed files. */
  readonly compressionId: number;
  readonly storeCount: number;
  /** V2 only. */
  readonly devicePath: string | undefined;
  readonly announcedPayloadBytes: number | undefined;
}

const kinds: ReadonlyMap<string, FfuKind> = new Map([
  ['1,2', 'v1'],
  ['1,3', 'v1-compressed'],
  ['2,2', 'v2'],
]);
const minBlockBytes = 512;
const maxBlockBytes = 16 * 1024 * 1024;
/** Of compressed files, whose blocks are expanded in memory; eight times what DISM writes. */
const maxCompressedBlockBytes = 1024 * 1024;

/** @throws FfuFormatError, FfuUnsupportedError (version, compression, partial block sizes) */
export async function readStoreHeader(reader: BlockReader, offset: number): Promise<StoreHeader> {
  const common = await readPart(reader, 'store header', offset, storeHeaderBytes);
  const version = `${common.readUInt16LE(4)},${common.readUInt16LE(8)}`;
  const kind = kinds.get(version);
  if (kind === undefined) throw new FfuUnsupportedError(`store version ${version}`);
  const blockBytes = common.readUInt32LE(204);
  if (blockBytes < minBlockBytes || blockBytes > maxBlockBytes || blockBytes % minBlockBytes !== 0)
    throw new FfuFormatError('store header', offset + 204, `blocks of ${blockBytes} bytes`);
  if (kind === 'v1-compressed' && blockBytes > maxCompressedBlockBytes)
    throw new FfuUnsupportedError(`compressed blocks of ${blockBytes} bytes`);
  const descriptorCount = common.readUInt32LE(208);
  const descriptorsBytes = common.readUInt32LE(212);
  const validationBytes = common.readUInt32LE(220);
  const tail = await readTail(reader, kind, offset + storeHeaderBytes);
  const descriptorsOffset = tail.endOffset + validationBytes;
  const headBytes = kind === 'v1-compressed' ? 12 : 8;
  if (descriptorsOffset + descriptorsBytes > reader.sizeBytes)
    throw new FfuFormatError(
      'store header',
      offset + 212,
      `${validationBytes} bytes of validation and ${descriptorsBytes} of write descriptors reach behind the end of the file`,
    );
  if (descriptorCount * headBytes > descriptorsBytes)
    throw new FfuFormatError(
      'store header',
      offset + 208,
      `${descriptorCount} write descriptors do not fit into ${descriptorsBytes} bytes`,
    );
  const range = (at: number): TableRange => ({
    index: common.readUInt32LE(at),
    count: common.readUInt32LE(at + 4),
  });
  return {
    kind,
    offsetBytes: offset,
    updateType: common.readUInt32LE(0),
    platformIds: common
      .toString('latin1', 12, 12 + platformIdBytes)
      .split('\0')
      .filter((id) => id !== ''),
    blockBytes,
    descriptorCount,
    descriptorsOffset,
    descriptorsBytes,
    validationCount: common.readUInt32LE(216),
    tables: { initial: range(224), flashOnly: range(232), final: range(240) },
    compressionId: tail.compressionId,
    storeCount: tail.storeCount,
    devicePath: tail.devicePath,
    announcedPayloadBytes: tail.payloadBytes,
  };
}

interface Tail {
  readonly endOffset: number;
  readonly compressionId: number;
  readonly storeCount: number;
  readonly devicePath: string | undefined;
  readonly payloadBytes: number | undefined;
}

/** What follows the common part, by version. */
async function readTail(reader: BlockReader, kind: FfuKind, offset: number): Promise<Tail> {
  const plain = { compressionId: 0, storeCount: 1, devicePath: undefined, payloadBytes: undefined };
  if (kind === 'v1') return { ...plain, endOffset: offset };
  if (kind === 'v1-compressed') {
    const compressionId = (await readPart(reader, 'store header', offset, 4)).readUInt32LE(0);
    if (compressionId > 4) throw new FfuUnsupportedError(`compression algorithm ${compressionId}`);
    return { ...plain, compressionId, endOffset: offset + 4 };
  }
  const tail = await readPart(reader, 'store header', offset, 14);
  const pathBytes = 2 * tail.readUInt16LE(12);
  const path = await readPart(reader, 'store header', offset + 14, pathBytes);
  const payloadBytes = Number(tail.readBigUInt64LE(4));
  return {
    compressionId: 0,
    storeCount: tail.readUInt16LE(0),
    devicePath: path.toString('utf16le'),
    payloadBytes,
    endOffset: offset + 14 + pathBytes,
  };
}

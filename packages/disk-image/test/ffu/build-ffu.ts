import { createHash } from 'node:crypto';

/** A hand-made file, field by field, without any of the code under test. */
export interface HandMadeFile {
  readonly kind: 'v1' | 'v1-compressed' | 'v2';
  readonly chunkBytes: number;
  readonly manifest: string;
  readonly catalog?: Uint8Array;
  /** Device target infos: makes the image header 28 bytes long. */
  readonly deviceInfos?: readonly (readonly string[])[];
  readonly stores: readonly HandMadeStore[];
}

export interface HandMadeStore {
  readonly blockBytes: number;
  readonly platformIds?: readonly string[];
  readonly validation?: Uint8Array;
  readonly compressionId?: number;
  readonly devicePath?: string;
  readonly entries: readonly HandMadeEntry[];
}

export interface HandMadeEntry {
  /** [method, index] */
  readonly locations: readonly (readonly [number, number])[];
  readonly blockCount?: number;
  /** What is in the file. */
  readonly data: Uint8Array;
  /** What it expands to; default the data. */
  readonly plain?: Uint8Array;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, 4 * index));
  return bytes;
}

function padded(chunkBytes: number, ...parts: readonly Uint8Array[]): Buffer {
  const all = Buffer.concat(parts);
  return Buffer.concat([all, Buffer.alloc((chunkBytes - (all.length % chunkBytes)) % chunkBytes)]);
}

export function manifestOf(stores: readonly { sectorSize: number; sectors: number }[]): string {
  return [
    '[FullFlash]\r\nOSVersion = 10.0.1.2\r\nVersion = 2.0\r\n\r\n',
    ...stores.map(
      ({ sectorSize, sectors }) =>
        `[Store]\r\nStoreType = Default\r\nMinSectorCount = ${sectors}\r\nSectorSize = ${sectorSize}\r\n\r\n[Partition]\r\nName = a\r\n\r\n`,
    ),
  ].join('');
}

export function buildFfu(file: HandMadeFile): Buffer {
  const { chunkBytes, kind } = file;
  const manifest = Buffer.from(file.manifest, 'latin1');
  const infos = (file.deviceInfos ?? []).map((fields) =>
    Buffer.concat([u32(...fields.map((text) => text.length)), ...fields.map((text) => Buffer.from(text))]),
  );
  const image = padded(
    chunkBytes,
    u32(infos.length > 0 ? 28 : 24),
    Buffer.from('ImageFlash  '),
    u32(manifest.length, chunkBytes / 1024, ...(infos.length > 0 ? [infos.length] : [])),
    manifest,
    ...infos,
  );
  const headers = file.stores.map((store, index) => padded(chunkBytes, storeBytes(file, store, index)));
  const payload = Buffer.concat(file.stores.flatMap(({ entries }) => entries.map(({ data }) => data)));
  const front = Buffer.concat([image, ...headers]);
  const digests =
    kind === 'v1-compressed'
      ? [
          ...chunkDigests(front, chunkBytes),
          ...file.stores.flatMap(({ entries }) => entries.map(({ data, plain }) => sha256(plain ?? data))),
        ]
      : chunkDigests(Buffer.concat([front, payload]), chunkBytes);
  const table = Buffer.concat(digests);
  const catalog = file.catalog ?? Buffer.from([0x30, 0]);
  const head = Buffer.concat([
    u32(32),
    Buffer.from('SignedImage '),
    u32(chunkBytes / 1024, 0x800c, catalog.length, table.length),
  ]);
  return Buffer.concat([padded(chunkBytes, head, catalog, table), front, payload]);
}

function chunkDigests(bytes: Buffer, chunkBytes: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = Buffer.alloc(chunkBytes);
    bytes.copy(chunk, 0, at, at + chunkBytes);
    found.push(sha256(chunk));
  }
  return found;
}

function storeBytes({ kind, stores }: HandMadeFile, store: HandMadeStore, index: number): Buffer {
  const entries = store.entries.map(({ locations, blockCount = 1, data }) =>
    Buffer.concat([
      u32(locations.length, blockCount, ...(kind === 'v1-compressed' ? [data.length] : [])),
      ...locations.map(([method, block]) => u32(method, block)),
    ]),
  );
  const descriptors = Buffer.concat(entries);
  const validation = store.validation ?? Buffer.alloc(0);
  const head = Buffer.alloc(248);
  head.writeUInt16LE(kind === 'v2' ? 2 : 1, 4);
  head.writeUInt16LE(kind === 'v1-compressed' ? 3 : 2, 8);
  head.write((store.platformIds ?? ['test']).join('\0'), 12, 'latin1');
  u32(
    store.blockBytes,
    entries.length,
    descriptors.length,
    validation.length > 0 ? 1 : 0,
    validation.length,
  ).copy(head, 204);
  const tail: Buffer[] = [];
  if (kind === 'v1-compressed') tail.push(u32(store.compressionId ?? 3));
  if (kind === 'v2') {
    const path = Buffer.from(store.devicePath ?? '', 'utf16le');
    const numbers = Buffer.alloc(14);
    numbers.writeUInt16LE(stores.length, 0);
    numbers.writeUInt16LE(index + 1, 2);
    numbers.writeBigUInt64LE(BigInt(store.entries.reduce((sum, { data }) => sum + data.length, 0)), 4);
    numbers.writeUInt16LE(path.length / 2, 12);
    tail.push(numbers, path);
  }
  return Buffer.concat([head, ...tail, validation, descriptors]);
}

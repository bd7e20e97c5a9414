import { createHash } from 'node:crypto';

/** Blocks by their number on the disk; what is not there was not written. */
export interface Applied {
  readonly blocks: ReadonlyMap<number, Buffer>;
  readonly blockBytes: number;
  /** Length of the image that the reader leaves behind. */
  readonly sizeBytes: number;
}

export class Refused extends Error {}

function refuse(reason: string): never {
  throw new Refused(reason);
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const alignUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/**
 * ffu2img (t0x0) by what it does: trusts everything, checks no hash; a whole chunk too much where a section ends exactly on
 * a boundary; 16 bytes a descriptor (one place from the start, one block); the image ends behind the last block written.
 */
export function ffu2img(file: Buffer): Applied {
  if (file.toString('latin1', 4, 16) !== 'SignedImage ') refuse('no signature');
  const chunk = file.readUInt32LE(16) * 1024;
  const behind = (at: number): number => at + (chunk - (at % chunk));
  let at = behind(32 + file.readUInt32LE(24) + file.readUInt32LE(28));
  if (file.toString('latin1', at + 4, at + 16) !== 'ImageFlash  ') refuse('no image header where it looks');
  at = behind(at + 24 + file.readUInt32LE(at + 16));
  if (file.readUInt16LE(at + 4) !== 1) refuse('a major version other than 1');
  const blockBytes = file.readUInt32LE(at + 204);
  const count = file.readUInt32LE(at + 208);
  at += 248 + file.readUInt32LE(at + 220);
  const places: number[] = [];
  for (let index = 0; index < count; index += 1, at += 16) places.push(file.readUInt32LE(at + 12));
  at = behind(at);
  const blocks = new Map<number, Buffer>();
  let sizeBytes = 0;
  for (const place of places) {
    if (at + blockBytes > file.length) refuse('the file ends inside a block');
    blocks.set(place, file.subarray(at, at + blockBytes));
    sizeBytes = Math.max(sizeBytes, (place + 1) * blockBytes);
    at += blockBytes;
  }
  return { blocks, blockBytes, sizeBytes };
}

/** The parser of wor-flasher for one store in V1 of 512-byte sectors: it refuses whatever it does not know for certain. */
export function worFlasher(file: Buffer): Applied {
  const chunk = file.readUInt32LE(16) * 1024;
  if (file.readUInt32LE(0) !== 32 || file.toString('latin1', 4, 16) !== 'SignedImage ')
    refuse('security header');
  const kilobytes = chunk / 1024;
  if (kilobytes < 1 || kilobytes > 1024 || (kilobytes & (kilobytes - 1)) !== 0) refuse('chunk size');
  if (file.readUInt32LE(20) !== 0x800c) refuse('hash algorithm');
  const catalogBytes = file.readUInt32LE(24);
  const tableBytes = file.readUInt32LE(28);
  if (catalogBytes < 2 || catalogBytes > 1024 * 1024) refuse('catalog size');
  if (tableBytes < 32 || tableBytes > 16 * 1024 * 1024 || tableBytes % 32 !== 0) refuse('hash table size');
  const image = alignUp(32 + catalogBytes + tableBytes, chunk);
  if (image >= file.length || (file.length - image) % chunk !== 0) refuse('truncated or misaligned');
  if ((file.length - image) / chunk !== tableBytes / 32) refuse('the hash table does not cover the image');
  derEnvelope(file.subarray(32, 32 + catalogBytes));
  zeros(file, 32 + catalogBytes + tableBytes, image);

  if (file.readUInt32LE(image) !== 24 || file.toString('latin1', image + 4, image + 16) !== 'ImageFlash  ')
    refuse('image header');
  const manifestBytes = file.readUInt32LE(image + 16);
  if (file.readUInt32LE(image + 20) !== kilobytes || manifestBytes < 1 || manifestBytes > 65_536)
    refuse('manifest length or chunk size');
  const manifestEnd = image + 24 + manifestBytes;
  const sections = strictManifest(file.subarray(image + 24, manifestEnd));
  const full = sections[0]?.values ?? new Map<string, string>();
  const storeKeys = sections[1]?.values ?? new Map<string, string>();
  if (full.get('version') !== '2.0' || full.get('uefi') !== 'True') refuse('manifest version');
  if (!/^\d{1,5}(\.\d{1,5}){3}$/.test(full.get('osversion') ?? '')) refuse('OSVersion');
  const demanded = { storetype: 'Default', ismainosstore: 'True', onlyallocatedefinedgptentries: 'False' };
  for (const [key, value] of Object.entries(demanded)) if (storeKeys.get(key) !== value) refuse(key);
  if (storeKeys.get('sectorsize') !== '512') refuse('sector size');
  if (!/^\d{1,20}$/.test(storeKeys.get('minsectorcount') ?? '')) refuse('MinSectorCount');
  const diskBytes = Number(storeKeys.get('minsectorcount')) * 512;
  if (diskBytes < 512 || diskBytes > 2 * 1024 ** 4) refuse('disk size');
  const names = sections.slice(2).map(({ values }) => values.get('name') ?? '');
  if (names.some((name) => name === '') || new Set(names).size !== names.length) refuse('partition names');

  const store = alignUp(manifestEnd, chunk);
  zeros(file, manifestEnd, store);
  if (file.readUInt32LE(store) !== 0) refuse('a partial update');
  if ([1, 0, 2, 0].some((value, index) => file.readUInt16LE(store + 4 + 2 * index) !== value))
    refuse('store version');
  const platforms = platformIds(file.subarray(store + 12, store + 204));
  const named = [...full].filter(([key]) => key.startsWith('deviceplatformid'));
  if (
    named.length !== platforms.length ||
    platforms.some((id, index) => full.get(`deviceplatformid${index}`) !== id)
  )
    refuse('platform ids of manifest and store differ');
  if (file.readUInt32LE(store + 204) !== chunk) refuse('block and chunk differ');
  const count = file.readUInt32LE(store + 208);
  const length = file.readUInt32LE(store + 212);
  if (file.readUInt32LE(store + 216) !== 0 || file.readUInt32LE(store + 220) !== 0) refuse('validation');
  if (count < 1 || count > 131_072 || length < 16 * count || length > count * 136) refuse('descriptors');
  const end = store + 248 + length;
  const payload = alignUp(end, chunk);
  if (payload >= file.length) refuse('no payload');
  const payloadBlocks = (file.length - payload) / chunk;
  let previous = 0;
  for (const at of [224, 232, 240]) {
    const index = file.readUInt32LE(store + at);
    const size = file.readUInt32LE(store + at + 4);
    if (size === 0 ? index !== 0 : index < previous || index + size > payloadBlocks) refuse('table ranges');
    if (size > 0) previous = index + size;
  }
  const finalCount = file.readUInt32LE(store + 244);
  if (finalCount > 0 && file.readUInt32LE(store + 240) + finalCount !== payloadBlocks) refuse('final table');

  const blocks = new Map<number, Buffer>();
  let block = 0;
  let at = store + 248;
  for (let ordinal = 0; ordinal < count; ordinal += 1) {
    if (at + 8 > end) refuse('truncated descriptor');
    const locations = file.readUInt32LE(at);
    const blockCount = file.readUInt32LE(at + 4);
    at += 8;
    if (locations < 1 || locations > 16) refuse('location count');
    if (blockCount < 1 || blockCount > payloadBlocks - block) refuse('block count');
    if (at + 8 * locations > end) refuse('truncated locations');
    for (let location = 0; location < locations; location += 1, at += 8) {
      const method = file.readUInt32LE(at);
      if (method !== 0 && method !== 2) refuse('access method');
      const index = file.readUInt32LE(at + 4);
      const offset = method === 0 ? index * chunk : diskBytes - (index + 1) * chunk;
      if (offset < 0 || offset + blockCount * chunk > diskBytes || offset % 512 !== 0)
        refuse('outside the disk');
      for (let part = 0; part < blockCount; part += 1) {
        const place = offset / chunk + part;
        if (blocks.has(place)) refuse('overlapping places');
        const from = payload + (block + part) * chunk;
        blocks.set(place, file.subarray(from, from + chunk));
      }
    }
    block += blockCount;
  }
  if (at !== end || block !== payloadBlocks) refuse('descriptors and payload do not agree');
  zeros(file, end, payload);
  for (let index = 0; index < tableBytes / 32; index += 1) {
    const from = image + index * chunk;
    const expected = file.subarray(32 + catalogBytes + 32 * index, 64 + catalogBytes + 32 * index);
    if (!sha256(file.subarray(from, from + chunk)).equals(expected)) refuse(`hash of chunk ${index}`);
  }
  return { blocks, blockBytes: chunk, sizeBytes: diskBytes };
}

function zeros(file: Buffer, from: number, to: number): void {
  if (file.subarray(from, to).some((byte) => byte !== 0)) refuse('padding that is not zero');
}

function derEnvelope(catalog: Buffer): void {
  if (catalog[0] !== 0x30) refuse('catalog is no DER sequence');
  let size = catalog.readUInt8(1);
  let start = 2;
  if ((size & 0x80) !== 0) {
    const width = size & 0x7f;
    if (width < 1 || width > 4) refuse('catalog length');
    size = catalog.readUIntBE(2, width);
    if (size < 128 || catalog[2] === 0) refuse('catalog length is not canonical');
    start += width;
  }
  if (size === 0 || start + size !== catalog.length) refuse('catalog length differs');
}

function strictManifest(bytes: Buffer): { name: string; values: Map<string, string> }[] {
  if (bytes.some((byte) => (byte < 32 && ![9, 10, 13].includes(byte)) || byte >= 127))
    refuse('manifest is not ASCII');
  const sections: { name: string; values: Map<string, string> }[] = [];
  for (const raw of bytes.toString('latin1').split(/\r\n|\r|\n/)) {
    const line = raw.trim();
    if (line === '') continue;
    if (['[FullFlash]', '[Store]', '[Partition]'].includes(line)) {
      sections.push({ name: line.slice(1, -1), values: new Map() });
      if (sections.length > 130) refuse('too many sections');
      continue;
    }
    const values = sections.at(-1)?.values;
    const equals = line.indexOf('=');
    if (values === undefined || equals < 0) refuse('manifest line');
    const key = line.slice(0, equals).trim();
    const value = line.slice(equals + 1).trim();
    if (!/^[A-Za-z]\w*$/.test(key) || value === '' || values.has(key.toLowerCase()))
      refuse(`manifest key ${key}`);
    values.set(key.toLowerCase(), value);
  }
  const names = sections.map(({ name }) => name);
  if (names[0] !== 'FullFlash' || names[1] !== 'Store' || names.length < 3) refuse('manifest sections');
  if (names.slice(2).some((name) => name !== 'Partition')) refuse('more than one store');
  return sections;
}

function platformIds(field: Buffer): string[] {
  if (field.at(-1) !== 0) refuse('platform ids without an end');
  const parts = field.toString('latin1').split('\0');
  const end = parts.indexOf('');
  const ids = parts.slice(0, end);
  if (ids.length < 1 || ids.length > 16 || new Set(ids).size !== ids.length) refuse('platform ids');
  if (parts.slice(end).some((part) => part !== '')) refuse('bytes behind the platform ids');
  if (ids.some((id) => !/^[\x21-\x7e]+$/.test(id))) refuse('platform id characters');
  return ids;
}

/** Expands a block of a compressed file; the table gives it the decompressor, which is not what is looked at here. */
export type Expand = (data: Uint8Array, blockBytes: number) => Buffer;

/**
 * Img2Ffu's reader: V1, V1_COMPRESSED and V2 (first store), one digest a chunk, but one a descriptor where blocks are
 * compressed; every hash is checked. It takes each descriptor for one block.
 */
export function img2Ffu(file: Buffer, expand: Expand): Applied {
  if (file.toString('latin1', 4, 16) !== 'SignedImage ') refuse('security header');
  const chunk = file.readUInt32LE(16) * 1024;
  const catalogBytes = file.readUInt32LE(24);
  const tableBytes = file.readUInt32LE(28);
  const table = file.subarray(32 + catalogBytes, 32 + catalogBytes + tableBytes);
  const image = alignUp(32 + catalogBytes + tableBytes, chunk);
  if (file.toString('latin1', image + 4, image + 16) !== 'ImageFlash  ') refuse('image header');
  const manifestStart = image + file.readUInt32LE(image);
  const manifestEnd = manifestStart + file.readUInt32LE(image + 16);
  const store = alignUp(manifestEnd, chunk);
  const version = `${file.readUInt16LE(store + 4)},${file.readUInt16LE(store + 8)}`;
  if (!['1,2', '1,3', '2,2'].includes(version)) refuse(`store version ${version}`);
  const compressed = version === '1,3';
  const blockBytes = file.readUInt32LE(store + 204);
  const count = file.readUInt32LE(store + 208);
  let at = store + 248 + file.readUInt32LE(store + 220);
  if (compressed) at += 4;
  if (version === '2,2') at += 14 + 2 * file.readUInt16LE(at + 12);
  const entries: { places: [number, number][]; dataBytes: number }[] = [];
  for (let ordinal = 0; ordinal < count; ordinal += 1) {
    const locations = file.readUInt32LE(at);
    const dataBytes = compressed ? file.readUInt32LE(at + 8) : blockBytes;
    at += compressed ? 12 : 8;
    const places: [number, number][] = [];
    for (let location = 0; location < locations; location += 1, at += 8)
      places.push([file.readUInt32LE(at), file.readUInt32LE(at + 4)]);
    entries.push({ places, dataBytes });
  }
  const payload = alignUp(at, chunk);
  const headerChunks = (payload - image) / chunk;
  const digests = compressed ? headerChunks + count : (file.length - image) / chunk;
  if (tableBytes / digests !== 32) refuse(`${tableBytes} bytes of digests for ${digests} chunks`);
  const check = (index: number, bytes: Buffer): void => {
    if (!sha256(bytes).equals(table.subarray(32 * index, 32 * index + 32))) refuse(`hash ${index}`);
  };
  const chunks = compressed ? headerChunks : digests;
  for (let index = 0; index < chunks; index += 1)
    check(index, file.subarray(image + index * chunk, image + (index + 1) * chunk));
  const text = file.toString('latin1', manifestStart, manifestEnd);
  const sectors = Number(/^MinSectorCount\s*=\s*(\d+)/m.exec(text)?.[1]);
  const sizeBytes = sectors * Number(/^SectorSize\s*=\s*(\d+)/m.exec(text)?.[1]);
  const blocks = new Map<number, Buffer>();
  let from = payload;
  entries.forEach(({ places, dataBytes }, ordinal) => {
    const data = file.subarray(from, from + dataBytes);
    if (data.length !== dataBytes) refuse('the file ends inside a block');
    const block = compressed && dataBytes !== blockBytes ? expand(data, blockBytes) : data;
    if (compressed) check(headerChunks + ordinal, block);
    from += dataBytes;
    for (const [method, index] of places)
      blocks.set(method === 0 ? index : sizeBytes / blockBytes - 1 - index, block);
  });
  return { blocks, blockBytes, sizeBytes };
}

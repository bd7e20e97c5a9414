import { crc32c } from './crc32c.ts';

/** An attribute as it is stored, without its place. */
interface StoredAttribute {
  readonly index: number;
  readonly name: Buffer;
  readonly hash: number;
  readonly value: Buffer;
}

const magic = 0xea020000;
const blockHeader = 32;

/**
 * Puts the extended attributes of an inode into one canonical order and place: mke2fs keeps the order in which
 * the source's file system lists them, and that differs between file systems (tmpfs and ext4, say).
 * `inode` and `block` (its attribute block, if it has one) are changed in place. Anything unusual is left as it is.
 */
export function orderAttributes(
  inode: Buffer,
  block: { bytes: Buffer; number: number } | undefined,
  checksumSeed: number | undefined,
): void {
  const extra = inode.length > 128 ? inode.readUInt16LE(128) : 0;
  if (extra === 0 || extra % 4 !== 0 || 128 + extra + 8 > inode.length) return;
  const body = inode.subarray(128 + extra);
  const inBody = body.readUInt32LE(0) === magic ? parse(body.subarray(4), 0) : [];
  const inBlock =
    block === undefined
      ? []
      : block.bytes.readUInt32LE(0) === magic
        ? parse(block.bytes, blockHeader)
        : undefined;
  if (inBody === undefined || inBlock === undefined) return;
  const all = [...inBody, ...inBlock].sort(compare);
  if (all.length < 2) return;
  const bodySpace = body.length - 4;
  const keepInBody: StoredAttribute[] = [];
  const keepInBlock: StoredAttribute[] = [];
  for (const attribute of all) {
    // Four zero bytes end each list.
    if (space([...keepInBody, attribute]) + 4 <= bodySpace) keepInBody.push(attribute);
    else keepInBlock.push(attribute);
  }
  if (block === undefined ? keepInBlock.length > 0 : keepInBlock.length === 0) return;
  if (block !== undefined && space(keepInBlock) + 4 > block.bytes.length - blockHeader) return;
  body.fill(0);
  if (keepInBody.length > 0) {
    body.writeUInt32LE(magic, 0);
    place(keepInBody, body.subarray(4), 0);
  }
  if (block === undefined) return;
  block.bytes.fill(0, blockHeader);
  place(keepInBlock, block.bytes, blockHeader);
  block.bytes.writeUInt32LE(blockHash(keepInBlock), 12);
  if (checksumSeed !== undefined) setBlockChecksum(block.bytes, block.number, checksumSeed);
}

function parse(area: Buffer, first: number): StoredAttribute[] | undefined {
  const found: StoredAttribute[] = [];
  for (let at = first; at + 4 <= area.length && area.readUInt32LE(at) !== 0;) {
    if (at + 16 > area.length) return undefined;
    const nameEnd = at + 16 + area.readUInt8(at);
    const offset = area.readUInt16LE(at + 2);
    const size = area.readUInt32LE(at + 8);
    const name = Buffer.from(area.subarray(at + 16, nameEnd));
    const index = area.readUInt8(at + 1);
    const isInlineData = index === 7 && name.toString('latin1') === 'data';
    if (
      nameEnd > area.length ||
      offset + size > area.length ||
      area.readUInt32LE(at + 4) !== 0 ||
      isInlineData
    )
      return undefined;
    found.push({
      index,
      name,
      hash: area.readUInt32LE(at + 12),
      value: Buffer.from(area.subarray(offset, offset + size)),
    });
    at = padded(nameEnd);
  }
  return found;
}

/** The order that the kernel keeps in blocks: index, length of the name, name. */
function compare(a: StoredAttribute, b: StoredAttribute): number {
  return a.index - b.index || a.name.length - b.name.length || Buffer.compare(a.name, b.name);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function space(attributes: readonly StoredAttribute[]): number {
  return attributes.reduce(
    (sum, { name, value }) => sum + padded(16 + name.length) + padded(value.length),
    0,
  );
}

/** Entries from the front, values from the back, as mke2fs and the kernel do. */
function place(attributes: readonly StoredAttribute[], area: Buffer, first: number): void {
  let at = first;
  let end = area.length;
  for (const { index, name, hash, value } of attributes) {
    end -= padded(value.length);
    area.writeUInt8(name.length, at);
    area.writeUInt8(index, at + 1);
    area.writeUInt16LE(value.length === 0 ? 0 : end, at + 2);
    area.writeUInt32LE(value.length, at + 8);
    area.writeUInt32LE(hash, at + 12);
    name.copy(area, at + 16);
    value.copy(area, end);
    at += padded(16 + name.length);
  }
}

/** ext4_xattr_rehash of the kernel: entries without a hash make the block unshareable, which is 0. */
function blockHash(attributes: readonly StoredAttribute[]): number {
  let hash = 0;
  for (const attribute of attributes) {
    if (attribute.hash === 0) return 0;
    hash = ((hash << 16) ^ (hash >>> 16) ^ attribute.hash) >>> 0;
  }
  return hash;
}

/** Linux Documentation/filesystems/ext4/checksums.rst: UUID, block number, the block with zeros for the checksum. */
function setBlockChecksum(bytes: Buffer, number: number, seed: number): void {
  bytes.writeUInt32LE(0, 16);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(number));
  bytes.writeUInt32LE(crc32c(crc32c(seed, prefix), bytes), 16);
}

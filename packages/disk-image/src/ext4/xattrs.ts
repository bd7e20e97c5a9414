import { Ext4FormatError, Ext4UnsupportedError } from '../errors.ts';
import type { Inode } from './inode.ts';
import type { Volume } from './volume.ts';

const magic = 0xea020000;

/** Name prefixes by index (Linux Documentation/filesystems/ext4/attributes.rst). */
const prefixes: Readonly<Record<number, string>> = {
  0: '',
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
  8: 'system.richacl',
};

export interface Attributes {
  /** Values in hex by full name, names in order. Access lists are in the form that getxattr(2) gives. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** The value of `system.data`, which holds the rest of an inline file. */
  readonly inlineData: Buffer | undefined;
}

/** Extended attributes of an inode, from the inode itself and from its attribute block. */
export async function readAttributes(volume: Volume, inode: Inode): Promise<Attributes> {
  const found: [string, Buffer][] = [];
  if (inode.tail.length >= 8 && inode.tail.readUInt32LE(0) === magic) {
    const area = inode.tail.subarray(4);
    collect(inode, area, 0, area, found);
  }
  if (inode.attributeBlock !== 0) {
    const block = await volume.readBlocks(inode.attributeBlock, 0, volume.superblock.blockSize);
    if (block.readUInt32LE(0) !== magic)
      throw new Ext4FormatError(`inode ${inode.number}: the attribute block has no magic number`);
    collect(inode, block, 32, block, found);
  }
  const inlineData = found.find(([name]) => name === 'system.data')?.[1];
  const visible = found.filter(([name]) => name !== 'system.data').sort(([a], [b]) => (a < b ? -1 : 1));
  // Without a prototype: a hostile image may name an attribute "__proto__".
  const xattrs = Object.assign(
    Object.create(null) as Record<string, string>,
    Object.fromEntries(visible.map(([name, value]) => [name, userForm(name, value).toString('hex')])),
  );
  return { xattrs, inlineData };
}

function collect(inode: Inode, area: Buffer, first: number, values: Buffer, found: [string, Buffer][]): void {
  let at = first;
  while (at + 4 <= area.length && area.readUInt32LE(at) !== 0) {
    if (at + 16 > area.length) throw new Ext4FormatError(`inode ${inode.number}: an attribute is cut`);
    const nameLength = area.readUInt8(at);
    const offset = area.readUInt16LE(at + 2);
    const size = area.readUInt32LE(at + 8);
    const nameEnd = at + 16 + nameLength;
    if (nameEnd > area.length) throw new Ext4FormatError(`inode ${inode.number}: an attribute's name is cut`);
    const prefix = prefixes[area.readUInt8(at + 1)];
    if (prefix === undefined)
      throw new Ext4UnsupportedError(`attribute name index ${area.readUInt8(at + 1)}`);
    if (area.readUInt32LE(at + 4) !== 0)
      throw new Ext4UnsupportedError('attribute values in inodes of their own (ea_inode)');
    if (offset + size > values.length)
      throw new Ext4FormatError(`inode ${inode.number}: an attribute's value is cut`);
    found.push([prefix + area.toString('utf8', at + 16, nameEnd), values.subarray(offset, offset + size)]);
    at = (nameEnd + 3) & ~3;
  }
}

/** On disk an access list is version 1 with short entries; getxattr(2) gives version 2 with an id in each entry. */
function userForm(name: string, value: Buffer): Buffer {
  if (name !== 'system.posix_acl_access' && name !== 'system.posix_acl_default') return value;
  if (value.length < 4 || value.readUInt32LE(0) !== 1) return value;
  const entries: Buffer[] = [Buffer.from([2, 0, 0, 0])];
  for (let at = 4; at < value.length;) {
    if (at + 4 > value.length) return value;
    const tag = value.readUInt16LE(at);
    const named = tag === 2 || tag === 8;
    if (named && at + 8 > value.length) return value;
    const entry = Buffer.alloc(8, 0xff);
    value.copy(entry, 0, at, at + (named ? 8 : 4));
    entries.push(entry);
    at += named ? 8 : 4;
  }
  return Buffer.concat(entries);
}

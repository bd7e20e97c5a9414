import { createHash } from 'node:crypto';
import { BmapFormatError } from '../errors.ts';
import type { Bmap, BmapRange } from './bmap.ts';
import { noChecksum } from './encode-bmap.ts';

const maxTextLength = 256 * 1024 * 1024;
const token =
  /\s*(?:<!--[^]*?-->|<\?[^]*?\?>|<(\/?)([A-Za-z]+)((?:\s+[A-Za-z]+="[^"<]*")*)\s*>|([^<\s][^<]*)|$)/y;
const countFields = ['ImageSize', 'BlockSize', 'BlocksCount', 'MappedBlocksCount'] as const;
const textFields = ['ChecksumType', 'BmapFileChecksum'] as const;

/**
 * Reads a bmap file of version 2 (1.4 and older, with SHA-1, are refused). Strict: only the elements that bmaptool
 * writes, each once; the file's own checksum, the counts and the order of the ranges have to be right.
 * @throws BmapFormatError
 */
export function parseBmap(text: string): Bmap {
  if (text.length > maxTextLength)
    throw new BmapFormatError('the file', `${text.length} characters are too many`);
  const { fields, ranges: read } = readElements(text);
  const field = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw new BmapFormatError(name, 'it is missing: the file is cut, or no bmap');
    return value;
  };
  const [imageSizeBytes, blockBytes, blocks, mapped] = countFields.map((name) =>
    wholeNumber(field(name), name),
  );
  if (imageSizeBytes === undefined || blockBytes === undefined)
    throw new BmapFormatError('ImageSize', 'missing');
  if (blockBytes < 512 || blockBytes > 2 ** 26 || (blockBytes & (blockBytes - 1)) !== 0)
    throw new BmapFormatError('BlockSize', `${blockBytes} is no power of two from 512`);
  if (blocks !== Math.ceil(imageSizeBytes / blockBytes))
    throw new BmapFormatError('BlocksCount', `${blocks ?? ''} blocks do not make ${imageSizeBytes} bytes`);
  if (field('ChecksumType') !== 'sha256')
    throw new BmapFormatError(
      'ChecksumType',
      `"${field('ChecksumType').slice(0, 40)}" is not sha256: make the file again with bmaptool 3`,
    );
  const checksum = field('BmapFileChecksum');
  if (!/^[0-9a-f]{64}$/.test(checksum)) throw new BmapFormatError('BmapFileChecksum', 'it is no SHA-256');
  const found = createHash('sha256').update(text.replace(checksum, noChecksum)).digest('hex');
  if (found !== checksum)
    throw new BmapFormatError(
      'BmapFileChecksum',
      `the file has ${found}: it was changed or cut, get it again`,
    );
  const ranges = read.map(({ attributes, value }, index) => readRange(value, attributes, index));
  let next = 0;
  let count = 0;
  for (const [index, { firstBlock, lastBlock }] of ranges.entries()) {
    if (firstBlock < next || lastBlock < firstBlock || lastBlock >= blocks)
      throw new BmapFormatError(
        `range ${index + 1}`,
        `blocks ${firstBlock}-${lastBlock} are out of order or outside of the ${blocks} blocks`,
      );
    next = lastBlock + 1;
    count += lastBlock - firstBlock + 1;
  }
  if (count !== mapped)
    throw new BmapFormatError('MappedBlocksCount', `${mapped ?? ''}, but the ranges have ${count} blocks`);
  return { imageSizeBytes, blockBytes, ranges };
}

interface RangeElement {
  readonly attributes: string;
  readonly value: string;
}

/** The elements in a flat form; nothing of XML but elements, comments and one declaration is known. */
function readElements(text: string): { fields: Map<string, string>; ranges: RangeElement[] } {
  const fields = new Map<string, string>();
  const ranges: RangeElement[] = [];
  const open: { name: string; attributes: string; value: string }[] = [];
  let closed = false;
  token.lastIndex = 0;
  for (let at = 0; at < text.length; at = token.lastIndex) {
    const match = token.exec(text);
    const fail = (reason: string): never => {
      throw new BmapFormatError(`line ${text.slice(0, at).split('\n').length}`, reason);
    };
    if (match === null) return fail('this is no bmap');
    const [, slash, name, attributes = '', value] = match;
    const inner = open.at(-1);
    if (value !== undefined) {
      if (inner === undefined || inner.value !== '' || inner.name === 'bmap' || inner.name === 'BlockMap')
        return fail('text where none can be');
      inner.value = value.trim();
    } else if (name === undefined) continue;
    else if (slash === '') {
      const path = [...open.map((element) => element.name), name].join('/');
      if (closed || !isKnown(path)) return fail(`an element ${path} is not known`);
      if (path === 'bmap' && !/^\s+version="2\.\d+"$/.test(attributes))
        return fail('only version 2 is read: make the file again with bmaptool 3');
      open.push({ name, attributes, value: '' });
    } else {
      if (inner?.name !== name) return fail(`</${name}> closes nothing`);
      open.pop();
      if (name === 'Range') ranges.push(inner);
      else if (name === 'bmap') closed = true;
      else if (fields.has(name)) return fail(`${name} is there twice`);
      else fields.set(name, inner.value);
    }
  }
  if (!closed) throw new BmapFormatError('the end', 'the file is cut: get it again');
  return { fields, ranges };
}

function isKnown(path: string): boolean {
  if (path === 'bmap' || path === 'bmap/BlockMap' || path === 'bmap/BlockMap/Range') return true;
  return [...countFields, ...textFields].some((name) => path === `bmap/${name}`);
}

function wholeNumber(text: string, place: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new BmapFormatError(place, `"${text.slice(0, 40)}" is no whole number`);
  return Number(text);
}

function readRange(value: string, attributes: string, index: number): BmapRange {
  const place = `range ${index + 1}`;
  const blocks = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(value);
  const sha256 = /^\s+chksum="([0-9a-f]{64})"$/.exec(attributes)?.[1];
  if (blocks?.[1] === undefined)
    throw new BmapFormatError(place, `"${value.slice(0, 40)}" is no range of blocks`);
  if (sha256 === undefined && attributes.trim() !== '')
    throw new BmapFormatError(place, 'its checksum is no SHA-256');
  return { firstBlock: Number(blocks[1]), lastBlock: Number(blocks[2] ?? blocks[1]), sha256 };
}

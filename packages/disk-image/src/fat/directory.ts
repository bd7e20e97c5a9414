import { FatFormatError } from '../errors.ts';

export interface FatEntry {
  readonly name: string;
  readonly directory: boolean;
  readonly readOnly: boolean;
  /** 0 for an empty file. */
  readonly firstCluster: number;
  readonly sizeBytes: number;
  /** FAT has local times; taken for UTC. */
  readonly mtimeSeconds: number;
}

const entryBytes = 32;
const attribute = { readOnly: 0x01, volumeLabel: 0x08, directory: 0x10, longName: 0x0f } as const;
const maxLongParts = 20;
/** Where the 13 UTF-16 units of a part of a long name lie. */
const longPlaces = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30] as const;

/**
 * The files in a folder's bytes, without "." and "..", names in byte order. A long name that does not belong to its short
 * one counts as not there, as the specification wants it.
 * Source: Microsoft FAT specification 1.03, sections 6 and 7.
 * @throws FatFormatError
 */
export function parseDirectory(bytes: Buffer, type: 12 | 16 | 32): FatEntry[] {
  const entries: FatEntry[] = [];
  let long: Buffer[] = [];
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const entry = bytes.subarray(at, at + entryBytes);
    const first = entry.readUInt8(0);
    if (first === 0) break;
    const flags = entry.readUInt8(11);
    if (first === 0xe5) {
      long = [];
    } else if ((flags & 0x3f) === attribute.longName) {
      if ((first & 0x40) !== 0) long = [];
      if (long.length < maxLongParts) long.push(entry);
    } else {
      const parts = long;
      long = [];
      const short = entry.toString('latin1', 0, 11).trimEnd();
      if ((flags & attribute.volumeLabel) !== 0 || short === '.' || short === '..') continue;
      entries.push(readEntry(entry, longName(parts, entry) ?? shortName(entry), type));
    }
  }
  return entries
    .map((entry) => ({ entry, key: Buffer.from(entry.name) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry);
}

function readEntry(entry: Buffer, name: string, type: 12 | 16 | 32): FatEntry {
  if (name === '' || name.includes('/') || name.includes('\0'))
    throw new FatFormatError(`the name ${JSON.stringify(name)} is impossible`);
  const flags = entry.readUInt8(11);
  const directory = (flags & attribute.directory) !== 0;
  const high = type === 32 ? entry.readUInt16LE(20) : 0;
  return {
    name,
    directory,
    readOnly: (flags & attribute.readOnly) !== 0,
    firstCluster: high * 65_536 + entry.readUInt16LE(26),
    // Of a folder it is 0, whatever its length.
    sizeBytes: directory ? 0 : entry.readUInt32LE(28),
    mtimeSeconds: seconds(entry.readUInt16LE(24), entry.readUInt16LE(22)),
  };
}

/** The parts come last first, each with the checksum of the short name. */
function longName(parts: readonly Buffer[], entry: Buffer): string | undefined {
  if (parts.length === 0) return undefined;
  const sum = checksum(entry);
  const sound = parts.every((part, index) => {
    const order = part.readUInt8(0);
    return (
      (order & 0x3f) === parts.length - index &&
      ((order & 0x40) !== 0) === (index === 0) &&
      part.readUInt8(13) === sum
    );
  });
  if (!sound) return undefined;
  const units = [...parts].reverse().flatMap((part) => longPlaces.map((at) => part.readUInt16LE(at)));
  const end = units.indexOf(0);
  return String.fromCharCode(...(end === -1 ? units : units.slice(0, end)));
}

function checksum(entry: Buffer): number {
  let sum = 0;
  for (let at = 0; at < 11; at += 1) sum = (((sum & 1) << 7) + (sum >> 1) + entry.readUInt8(at)) & 0xff;
  return sum;
}

/** In the code page of whoever wrote it, which nothing tells: bytes above ASCII are shown as Latin-1. */
function shortName(entry: Buffer): string {
  // Windows NT and Linux note there that a part is in small letters.
  const cases = entry.readUInt8(12);
  const part = (start: number, end: number, small: number): string => {
    const text = entry.toString('latin1', start, end).trimEnd();
    return (cases & small) === 0 ? text : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  };
  // 05 stands for E5, which marks what is deleted.
  const hidden = entry.readUInt8(0) === 5;
  const base = `${hidden ? '\xe5' : ''}${part(hidden ? 1 : 0, 8, 0x08)}`;
  const extension = part(8, 11, 0x10);
  return extension === '' ? base : `${base}.${extension}`;
}

function seconds(date: number, time: number): number {
  const day = Date.UTC(1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31);
  return day / 1000 + (time >> 11) * 3600 + ((time >> 5) & 63) * 60 + (time & 31) * 2;
}

import type { BlockReader } from '../block/reader.ts';
import { Ext4FormatError, FatFormatError, ImageBoundsError, NtfsFormatError } from '../errors.ts';
import { readExt4State } from '../ext4/state.ts';
import { readFatState } from '../fat/state.ts';
import { readNtfsState } from '../ntfs/state.ts';

/** What lies in a partition, as far as its first bytes tell. */
export interface FileSystemFacts {
  /** `ext4` (also ext2 and ext3), `fat12` … `fat32`, else the name of a signature: `ntfs`, `xfs`, `swap`, `luks`, … */
  readonly type: string;
  readonly label?: string;
  readonly uuid?: string;
  /** Not closed properly; undefined where that is not known for this type. */
  readonly dirty?: boolean;
  /** The state in words: ext4's, or of FAT `clean`, `dirty`, `io-errors`, of NTFS `clean`, `dirty`; undefined where it is not known. */
  readonly state?: string;
  readonly sizeBytes?: number;
  readonly freeBytes?: number;
  /** The signature is there, but the rest is damaged: why. */
  readonly problem?: string;
}

const signatures: readonly (readonly [string, number, Buffer])[] = [
  ['ntfs', 3, Buffer.from('NTFS    ')],
  ['exfat', 3, Buffer.from('EXFAT   ')],
  ['refs', 3, Buffer.from('ReFS')],
  ['bitlocker', 3, Buffer.from('-FVE-FS-')],
  ['xfs', 0, Buffer.from('XFSB')],
  ['luks', 0, Buffer.from('LUKS\xba\xbe', 'latin1')],
  ['squashfs', 0, Buffer.from('hsqs')],
  ['lvm2', 512 + 24, Buffer.from('LVM2 001')],
  ['f2fs', 1024, Buffer.from([0x10, 0x20, 0xf5, 0xf2])],
  ['erofs', 1024, Buffer.from([0xe2, 0xe1, 0xf5, 0xe0])],
  ['swap', 4086, Buffer.from('SWAPSPACE2')],
  ['iso9660', 32_769, Buffer.from('CD001')],
  ['btrfs', 65_600, Buffer.from('_BHRfS_M')],
];
const headBytes = 65_608;

/** Names what begins at `offset`; undefined where nothing is recognized. */
export async function readFileSystem(
  reader: BlockReader,
  offset: number,
  sizeBytes: number,
): Promise<FileSystemFacts | undefined> {
  const length = Math.max(0, Math.min(headBytes, sizeBytes, reader.sizeBytes - offset));
  const head = Buffer.from(await reader.read(offset, length));
  for (const [type, at, magic] of signatures)
    if (head.subarray(at, at + magic.length).equals(magic))
      return type === 'ntfs' ? ntfsFacts(reader, offset) : { type };
  if (head.length >= 2048 && head.readUInt16LE(1024 + 56) === 0xef53) return ext4Facts(reader, offset);
  return fatFacts(reader, offset, head);
}

async function ext4Facts(reader: BlockReader, offset: number): Promise<FileSystemFacts> {
  try {
    const { state, label, uuid, sizeBytes, freeBytes } = await readExt4State(reader, offset);
    return {
      type: 'ext4',
      ...(label === '' ? {} : { label }),
      uuid,
      dirty: state !== 'clean',
      state,
      sizeBytes,
      freeBytes,
    };
  } catch (error) {
    if (error instanceof Ext4FormatError || error instanceof ImageBoundsError)
      return { type: 'ext4', problem: error.message };
    throw error;
  }
}

async function ntfsFacts(reader: BlockReader, offset: number): Promise<FileSystemFacts> {
  try {
    const { label, serial, dirty, sizeBytes } = await readNtfsState(reader, offset);
    return {
      type: 'ntfs',
      ...(label === undefined ? {} : { label }),
      uuid: serial,
      dirty,
      state: dirty ? 'dirty' : 'clean',
      sizeBytes,
    };
  } catch (error) {
    if (error instanceof NtfsFormatError || error instanceof ImageBoundsError)
      return { type: 'ntfs', problem: error.message };
    throw error;
  }
}

async function fatFacts(
  reader: BlockReader,
  offset: number,
  head: Buffer,
): Promise<FileSystemFacts | undefined> {
  // A boot sector of an MBR has the same last two bytes: only a jump and sound fields make it a FAT.
  if (head.length < 512 || head.readUInt16LE(510) !== 0xaa55) return undefined;
  if (head[0] !== 0xeb && head[0] !== 0xe9) return undefined;
  try {
    const { type, dirty, ioErrors, label, volumeId, sizeBytes } = await readFatState(reader, offset);
    return {
      type: `fat${type}`,
      ...(label === undefined ? {} : { label }),
      ...(volumeId === undefined ? {} : { uuid: `${volumeId.slice(0, 4)}-${volumeId.slice(4)}` }),
      dirty: dirty || ioErrors,
      state: ioErrors ? 'io-errors' : dirty ? 'dirty' : 'clean',
      sizeBytes,
    };
  } catch (error) {
    if (error instanceof ImageBoundsError) return { type: 'fat', problem: error.message };
    if (error instanceof FatFormatError) return undefined;
    throw error;
  }
}

import type { BlockReader } from '../block/reader.ts';
import { Ext4FormatError } from '../errors.ts';
import { incompat, readSuperblock, roCompat } from './superblock.ts';

/** What an ext4 file system says of itself. */
export interface Ext4State {
  /**
   * `clean`: unmounted, journal empty. `needs-recovery`: the journal holds changes that are not in place yet
   * (cut off while mounted). `not-clean`: never unmounted, or orphans left. `errors`: the kernel found errors.
   * The worst one is given: errors, then needs-recovery, then not-clean.
   */
  readonly state: 'clean' | 'needs-recovery' | 'not-clean' | 'errors';
  readonly uuid: string;
  readonly label: string;
  readonly blockSize: number;
  readonly sizeBytes: number;
  readonly freeBytes: number;
  readonly inodes: number;
  readonly freeInodes: number;
  /** How many errors the kernel has recorded. */
  readonly errorCount: number;
}

const valid = 0x1;
const errors = 0x2;
const orphans = 0x4;

/**
 * Reads the state of the ext4 file system at `offset`, from its superblock alone.
 * @throws Ext4FormatError if the superblock is not sound or its checksum is wrong
 * @throws ImageBoundsError if the image is cut short
 */
export async function readExt4State(reader: BlockReader, offset = 0): Promise<Ext4State> {
  const superblock = await readSuperblock(reader, offset);
  if (!superblock.checksumOk)
    throw new Ext4FormatError(
      'the checksum of the ext4 superblock does not match: it was written by halves or damaged',
    );
  const { state, blockSize } = superblock;
  return {
    state: judge(superblock),
    uuid: superblock.uuid,
    label: superblock.label,
    blockSize,
    sizeBytes: superblock.blocks * blockSize,
    freeBytes: superblock.freeBlocks * blockSize,
    inodes: superblock.inodes,
    freeInodes: superblock.freeInodes,
    errorCount: Math.max(superblock.errorCount, state & errors ? 1 : 0),
  };
}

function judge(superblock: Awaited<ReturnType<typeof readSuperblock>>): Ext4State['state'] {
  const { state, errorCount, featureIncompat, featureRoCompat, lastOrphan } = superblock;
  if ((state & errors) !== 0 || errorCount > 0) return 'errors';
  if ((featureIncompat & incompat.recover) !== 0) return 'needs-recovery';
  if (
    (state & valid) === 0 ||
    (state & orphans) !== 0 ||
    lastOrphan !== 0 ||
    (featureRoCompat & roCompat.orphanPresent) !== 0
  )
    return 'not-clean';
  return 'clean';
}

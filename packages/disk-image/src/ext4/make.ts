import { ProgramFailedError, run } from '@osforge/process';
import { DiskFullError, Ext4FormatError } from '../errors.ts';

export interface Ext4Options {
  /** Folder whose content becomes the root of the file system; absent: an empty file system. */
  readonly tree?: string;
  /** An existing sparse file (or a device); written at `offsetBytes` only. */
  readonly imagePath: string;
  readonly offsetBytes: number;
  /** A multiple of 4096. */
  readonly sizeBytes: number;
  readonly uuid: string;
  /** At most 16 bytes. */
  readonly label: string;
  /** UUID that seeds the hashes of directories. */
  readonly hashSeed: string;
  /** Seconds since 1970 for the times that mkfs sets itself. */
  readonly epochSeconds: number;
}

/** A program to run, as data: so that it can be run inside somebody else's namespace. */
export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The `mkfs.ext4` call that fills a part of an image from a tree, sparsely: no zeros are written for the
 * journal and the inode tables, which are holes of the image already. Everything that mke2fs would take from chance,
 * from the clock or from /etc/mke2fs.conf is fixed; inode times come from the tree: see normalizeExt4Times.
 * The image must read as zeros at [offsetBytes, offsetBytes + sizeBytes) or support hole punching.
 */
export function ext4Arguments(options: Ext4Options): ProgramCall {
  const { tree, imagePath, offsetBytes, sizeBytes, uuid, label, hashSeed, epochSeconds } = options;
  if (sizeBytes % 4096 !== 0 || offsetBytes % 512 !== 0)
    throw new Ext4FormatError(
      `an ext4 of ${sizeBytes} bytes at ${offsetBytes} is not made of whole blocks: use multiples of 4096 and 512`,
    );
  return {
    program: 'mkfs.ext4',
    args: [
      ...[
        '-q',
        '-F',
        '-t',
        'ext4',
        '-b',
        '4096',
        '-I',
        '256',
        '-i',
        '16384',
        '-m',
        '5',
        '-U',
        uuid,
        '-L',
        label,
      ],
      ...[
        '-O',
        'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum',
      ],
      ...[
        '-E',
        `offset=${offsetBytes},hash_seed=${hashSeed},root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1,discard`,
      ],
      ...(tree === undefined ? [] : ['-d', tree]),
      ...[imagePath, `${sizeBytes / 1024}k`],
    ],
    // scandir sorts by the locale's rules; newer e2fsprogs know SOURCE_DATE_EPOCH, 1.47.0 knows the other name.
    env: { LC_ALL: 'C', E2FSPROGS_FAKE_TIME: String(epochSeconds), SOURCE_DATE_EPOCH: String(epochSeconds) },
  };
}

export interface MakeExt4Options extends Ext4Options {
  /** Default ten minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs the call of ext4Arguments. Ownership is taken from the tree as this process sees it.
 * @throws DiskFullError if the host's disk is full; ProgramFailedError (the tree does not fit, …); ProgramMissingError
 */
export async function makeExt4FromTree(options: MakeExt4Options): Promise<void> {
  const { program, args, env } = ext4Arguments(options);
  try {
    await run(program, args, {
      env: { ...env },
      timeoutMs: options.timeoutMs ?? 600_000,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    // mke2fs says "Could not allocate block" where the *file system* is full, and the system's text where the host is.
    if (error instanceof ProgramFailedError && /no space left on device/i.test(error.lastLines.join('\n'))) {
      throw new DiskFullError(options.imagePath, { cause: error });
    }
    throw error;
  }
}

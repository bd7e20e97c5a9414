import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ProgramFailedError, run } from '@osforge/process';
import { DiskFullError, EspError } from '../errors.ts';

/** One file of the partition: from a file of the host, or given content. */
export interface EspFile {
  /** Path with forward slashes, such as `EFI/BOOT/BOOTX64.EFI`; folders are made. */
  readonly path: string;
  readonly from?: string;
  readonly content?: Uint8Array;
}

export interface MakeEspOptions {
  /** An existing image; written at `offsetBytes` only. */
  readonly imagePath: string;
  readonly offsetBytes: number;
  /** FAT32 from 64 MiB, FAT16 below. */
  readonly sizeBytes: number;
  readonly files: readonly EspFile[];
  /** Eight hex digits. */
  readonly volumeId: string;
  /** At most 11 characters; default `ESP`. */
  readonly label?: string;
  /** Seconds since 1970; every time in the file system. */
  readonly sourceDateEpoch: number;
  /** Where a private folder for small files is made meanwhile; it stays there if we are killed. Default: the system's. */
  readonly temporaryDirectory?: string;
  /** Default two minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const sectorBytes = 512;

/**
 * Makes a FAT file system with the given files directly inside a disk image, by mtools: no root, no mount.
 * The same options give the same bytes.
 * @throws EspError for options that cannot be met or an mtools failure, DiskFullError, ProgramMissingError (mtools)
 */
export async function makeEsp(options: MakeEspOptions): Promise<void> {
  check(options);
  const {
    imagePath,
    offsetBytes,
    sizeBytes,
    files,
    volumeId,
    label = 'ESP',
    sourceDateEpoch,
    temporaryDirectory = tmpdir(),
    timeoutMs = 120_000,
    signal,
  } = options;
  const image = `${imagePath}@@${offsetBytes}`;
  const stage = await mkdtemp(join(temporaryDirectory, 'osforge-esp-'));
  const mtool = async (program: string, args: readonly string[]): Promise<void> => {
    try {
      await run(program, args, {
        timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        // The user's own mtools configuration must not change the result, and FAT times are local times.
        env: {
          SOURCE_DATE_EPOCH: String(sourceDateEpoch),
          TZ: 'UTC',
          LC_ALL: 'C.UTF-8',
          HOME: stage,
          MTOOLSRC: '/dev/null',
          MTOOLS_SKIP_CHECK: '1',
        },
      });
    } catch (error) {
      if (!(error instanceof ProgramFailedError)) throw error;
      const lines = error.lastLines.join('\n');
      if (/no space left on device/i.test(lines)) throw new DiskFullError(imagePath, { cause: error });
      throw new EspError(`${program} failed in the EFI system partition at ${image}: ${lines}`, {
        cause: error,
      });
    }
  };
  try {
    const sectors = Math.floor(sizeBytes / sectorBytes);
    const fat32 = sizeBytes >= 64 * 1024 * 1024;
    await mtool('mformat', [
      ...['-i', image, ...(fat32 ? ['-F'] : []), '-h', '64', '-s', '32', '-T', String(sectors)],
      ...[
        '-H',
        String(Math.min(offsetBytes / sectorBytes, 0xffffffff)),
        '-N',
        volumeId.toUpperCase(),
        '-v',
        label,
        '::',
      ],
    ]);
    const folders = foldersOf(files);
    if (folders.length > 0) await mtool('mmd', ['-i', image, ...folders.map((folder) => `::/${folder}`)]);
    for (const batch of batches(files)) {
      const [first] = batch;
      if (batch.length === 1 && first !== undefined) {
        const from = first.from ?? join(stage, 'content');
        if (first.from === undefined)
          await writeFile(from, first.content ?? new Uint8Array(0), { mode: 0o644 });
        await mtool('mcopy', ['-i', image, from, `::/${first.path}`]);
      } else {
        const sources = batch.flatMap(({ from }) => (from === undefined ? [] : [from]));
        await mtool('mcopy', ['-i', image, ...sources, `::/${dirname(first?.path ?? '')}`]);
      }
    }
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Files of one command line. */
const batchFiles = 200;

/** Neighbours that go to one folder under the names that they have are copied together, which takes far less time. */
function batches(files: readonly EspFile[]): EspFile[][] {
  const made: EspFile[][] = [];
  const keepsName = ({ path, from }: EspFile): boolean =>
    from !== undefined && path.includes('/') && basename(from) === basename(path);
  for (const file of files) {
    const last = made.at(-1);
    const before = last?.at(-1);
    const together =
      before !== undefined &&
      keepsName(before) &&
      keepsName(file) &&
      dirname(before.path) === dirname(file.path) &&
      (last?.length ?? 0) < batchFiles;
    if (together) last?.push(file);
    else made.push([file]);
  }
  return made;
}

/** Every folder that the files need, parents first. */
function foldersOf(files: readonly EspFile[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1);
    parts.forEach((_, index) => folders.add(parts.slice(0, index + 1).join('/')));
  }
  return [...folders].sort();
}

function check({
  imagePath,
  offsetBytes,
  sizeBytes,
  files,
  volumeId,
  label = 'ESP',
  sourceDateEpoch,
}: MakeEspOptions): void {
  if (imagePath.includes('@@')) throw new EspError(`${imagePath}: mtools cannot take a path with "@@"`);
  if (!/^[0-9a-f]{8}$/i.test(volumeId)) throw new EspError(`volumeId "${volumeId}" is not eight hex digits`);
  if (!/^[\x20-\x7e]{1,11}$/.test(label))
    throw new EspError(`label "${label}" is not 1 to 11 printable ASCII characters`);
  if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0 || offsetBytes % sectorBytes !== 0)
    throw new EspError(`offsetBytes ${offsetBytes} is not a multiple of 512`);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1024 * 1024)
    throw new EspError(`sizeBytes ${sizeBytes} is less than 1 MiB`);
  // FAT has years from 1980 to 2107; mtools would wrap silently.
  if (sourceDateEpoch < 315_532_800 || sourceDateEpoch >= 4_354_819_200)
    throw new EspError(
      `sourceDateEpoch ${sourceDateEpoch} is outside the years 1980 to 2107 that FAT can store`,
    );
  const seen = new Set<string>();
  for (const { path, from, content } of files) {
    if (
      path === '' ||
      path
        .split('/')
        .some((part) => part === '' || part === '.' || part === '..' || /["*:<>?\\|\x00-\x1f]/.test(part))
    )
      throw new EspError(`"${path}" is not a path inside a FAT file system`);
    if ((from === undefined) === (content === undefined))
      throw new EspError(`${path}: give either "from" or "content"`);
    if (seen.has(path.toLowerCase()))
      throw new EspError(`${path} is given twice (FAT names do not distinguish case)`);
    seen.add(path.toLowerCase());
  }
}

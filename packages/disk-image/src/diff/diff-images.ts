import { resolve } from 'node:path';
import type { BlockReader } from '../block/reader.ts';
import { isImageFormatError } from '../errors.ts';
import { openExt4 } from '../ext4/reader.ts';
import { detectFileFormat } from '../inspect/detect-format.ts';
import { type FatReader, openFat } from '../fat/reader.ts';
import { type FileSystemFacts, readFileSystem } from '../inspect/file-system.ts';
import { openAnyImage, type OpenAnyOptions, refuseBacking } from '../inspect/open-any-image.ts';
import { requireOneDisk } from '../inspect/require-one-disk.ts';
import { requireSound } from '../inspect/require-sound.ts';
import { type PartitionFacts, readTable, type TableFacts } from '../inspect/partition-table.ts';
import { compareRanges } from './compare-ranges.ts';
import { diffTrees, type FileDifference } from './diff-trees.ts';

export interface DiffImagesOptions extends Omit<OpenAnyOptions, 'disk' | 'format' | 'onProgress'> {
  /** File differences that are kept for each partition; all are counted. Default 10,000. */
  readonly maxDifferences?: number;
}

/** A fact that differs: of the disk, of its table, or of one partition. */
export interface FactDifference {
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

export interface PartitionDifference {
  readonly number: number;
  readonly name: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly facts: readonly FactDifference[];
  /** Whether the bytes differ; undefined for partitions that only one disk has. */
  readonly contentDiffers?: boolean;
  /** Byte of the partition. */
  readonly firstDifferenceAt?: number;
  /** Of two ext4 or two FAT file systems whose bytes differ. */
  readonly files?: readonly FileDifference[];
  readonly fileCounts?: { readonly added: number; readonly removed: number; readonly changed: number };
  /** Why files could not be compared. */
  readonly problem?: string;
}

export interface ImageDifference {
  readonly equal: boolean;
  readonly disk: readonly FactDifference[];
  /** Only those that differ. */
  readonly partitions: readonly PartitionDifference[];
  /** Bytes outside of all partitions and tables differ: boot code, gaps; or, without a table, anywhere. */
  readonly firstDifferenceAt?: number;
}

/**
 * Compares two images of any formats as disks: sizes, tables, partitions (by their number) and, in ext4 and FAT partitions, files.
 * @throws as openAnyImage does, ImageDamagedError, and ImageDisksError where one has several disks
 */
export async function diffImages(
  before: string,
  after: string,
  options: DiffImagesOptions = {},
): Promise<ImageDifference> {
  for (const path of [before, after]) await requireComparable(path, options);
  const a = await openAnyImage(before, options);
  try {
    const b = await openAnyImage(after, options);
    try {
      return await diffDisks(a.reader, b.reader, options);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

/** A damaged image differs in what was lost, which says nothing of the disk that it was. */
async function requireComparable(path: string, options: DiffImagesOptions): Promise<void> {
  const file = resolve(path);
  const format = await detectFileFormat(file);
  if (format === 'qcow2') await refuseBacking(file);
  await requireOneDisk(file, format, options);
  await requireSound(file, format, options);
}

/** The same for disks that are open; both stay open. */
export async function diffDisks(
  a: BlockReader,
  b: BlockReader,
  options: DiffImagesOptions = {},
): Promise<ImageDifference> {
  const left = await readTable(a);
  const right = await readTable(b);
  const disk = [
    ...fact('size of the disk', a.sizeBytes, b.sizeBytes),
    ...tableFacts(
      { ...left.table, sectorSize: left.sectorSize },
      { ...right.table, sectorSize: right.sectorSize },
    ),
  ];
  const numbers = new Set([...left.partitions, ...right.partitions].map(({ number }) => number));
  const partitions: PartitionDifference[] = [];
  for (const number of [...numbers].sort((x, y) => x - y)) {
    const from = left.partitions.find((partition) => partition.number === number);
    const to = right.partitions.find((partition) => partition.number === number);
    const found = await diffPartition(a, from, b, to, options);
    if (found !== undefined) partitions.push(found);
  }
  let firstDifferenceAt: number | undefined;
  if (disk.length === 0 && partitions.length === 0 && a.sizeBytes === b.sizeBytes)
    firstDifferenceAt = (
      await compareRanges(
        { reader: a, startBytes: 0 },
        { reader: b, startBytes: 0 },
        a.sizeBytes,
        options.signal,
      )
    ).firstDifferenceAt;
  return {
    equal: disk.length === 0 && partitions.length === 0 && firstDifferenceAt === undefined,
    disk,
    partitions,
    ...(firstDifferenceAt === undefined ? {} : { firstDifferenceAt }),
  };
}

type Fact = string | number | boolean | undefined;

function fact(what: string, before: Fact, after: Fact): FactDifference[] {
  const text = (value: Fact): string => (value === undefined ? 'none' : String(value));
  return text(before) === text(after) ? [] : [{ what, before: text(before), after: text(after) }];
}

type Table = TableFacts & { readonly sectorSize: number | undefined };

function tableFacts(a: Table, b: Table): FactDifference[] {
  return [
    ...fact('partition table', a.kind, b.kind),
    ...fact('disk GUID', a.diskGuid, b.diskGuid),
    ...fact('sector size', a.sectorSize, b.sectorSize),
    ...fact('sound primary GPT', a.primaryOk, b.primaryOk),
    ...fact('sound backup GPT', a.backupOk, b.backupOk),
  ];
}

async function diffPartition(
  a: BlockReader,
  from: PartitionFacts | undefined,
  b: BlockReader,
  to: PartitionFacts | undefined,
  options: DiffImagesOptions,
): Promise<PartitionDifference | undefined> {
  const either = to ?? from;
  if (either === undefined) return undefined;
  const { number, name } = either;
  if (from === undefined) return { number, name, kind: 'added', facts: [] };
  if (to === undefined) return { number, name, kind: 'removed', facts: [] };
  const facts = [
    ...fact('name', from.name, to.name),
    ...fact('type', from.typeName ?? from.typeGuid, to.typeName ?? to.typeGuid),
    ...fact('GUID', from.guid, to.guid),
    ...fact('start', from.startBytes, to.startBytes),
    ...fact('size', from.sizeBytes, to.sizeBytes),
    ...fact('attributes', from.attributes, to.attributes),
  ];
  const base = { number, name, kind: 'changed' as const };
  for (const [reader, { startBytes, sizeBytes }] of [
    [a, from],
    [b, to],
  ] as const)
    if (startBytes + sizeBytes > reader.sizeBytes)
      return { ...base, facts, problem: 'it reaches behind the end of its disk and was not compared' };
  const { equal, firstDifferenceAt } = await compareRanges(
    { reader: a, startBytes: from.startBytes },
    { reader: b, startBytes: to.startBytes },
    Math.min(from.sizeBytes, to.sizeBytes),
    options.signal,
  );
  if (equal && from.sizeBytes === to.sizeBytes)
    return facts.length === 0 ? undefined : { ...base, facts, contentDiffers: false };
  return {
    ...base,
    facts,
    contentDiffers: true,
    ...(firstDifferenceAt === undefined ? {} : { firstDifferenceAt }),
    ...(await diffFiles(a, from, b, to, options)),
  };
}

type Tree = Pick<FatReader, 'walk'>;

/** The file systems whose files are read here; FATs of any width can be compared with each other. */
function treeKind(facts: FileSystemFacts | undefined): 'ext4' | 'fat' | undefined {
  if (facts?.type === 'ext4') return 'ext4';
  return facts?.type.startsWith('fat') === true ? 'fat' : undefined;
}

async function diffFiles(
  a: BlockReader,
  from: PartitionFacts,
  b: BlockReader,
  to: PartitionFacts,
  { maxDifferences = 10_000, signal }: DiffImagesOptions,
): Promise<Pick<PartitionDifference, 'files' | 'fileCounts' | 'problem'>> {
  const [left, right] = [
    await readFileSystem(a, from.startBytes, from.sizeBytes),
    await readFileSystem(b, to.startBytes, to.sizeBytes),
  ];
  const kind = treeKind(left);
  if (kind === undefined || kind !== treeKind(right)) return {};
  const open = async (reader: BlockReader, { startBytes, sizeBytes }: PartitionFacts): Promise<Tree> => {
    const signalOption = signal === undefined ? {} : { signal };
    return kind === 'ext4'
      ? await openExt4(reader, startBytes, signalOption)
      : await openFat(reader, startBytes, { sizeBytes, ...signalOption });
  };
  const files: FileDifference[] = [];
  const fileCounts = { added: 0, removed: 0, changed: 0 };
  try {
    const before = await open(a, from);
    const after = await open(b, to);
    for await (const difference of diffTrees(before.walk(), after.walk())) {
      fileCounts[difference.kind] += 1;
      if (files.length < maxDifferences) files.push(difference);
    }
    return { files, fileCounts };
  } catch (error) {
    if (!isImageFormatError(error) || !(error instanceof Error)) throw error;
    return { files, fileCounts, problem: `the files could not be compared to the end: ${error.message}` };
  }
}

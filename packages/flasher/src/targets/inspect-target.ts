import type { BigIntStats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf, type TargetProblem } from '../errors.ts';
import { findSysfsBlock, fromUsbDevice, identify, type SysfsBlock, type TargetIdentity } from './identity.ts';
import { loopsOn, usesOf } from './in-use.ts';
import { readAttribute, readNumber, systemPaths, type SystemPaths } from './system-paths.ts';

/** Everything about a target that a person or a program needs to choose it. */
export interface TargetInfo {
  readonly identity: TargetIdentity;
  readonly removable: boolean;
  readonly readOnly: boolean;
  /** `usb`, `nvme`, `virtio`, `loop`, `file`, …; undefined if unknown. */
  readonly transport: string | undefined;
  /** What O_DIRECT and every write must be a multiple of. */
  readonly logicalBlockBytes: number;
  /** The largest discard that the device takes at once; 0 if it takes none. */
  readonly discardMaxBytes: number;
  /** True where reads after a write come from the computer's memory: RAM disks, zram, loop devices without direct I/O. */
  readonly inMemory: boolean;
  /** Why it must not be written to; empty for a good target. Sizes are compared when the image is known. */
  readonly problems: readonly TargetProblem[];
}

export interface InspectOptions {
  /** Take a partition as a target; default false: an image of a disk does not belong on a partition. */
  readonly allowPartition?: boolean | undefined;
  readonly paths?: SystemPaths | undefined;
}

/**
 * Looks at a path without opening it. Never throws because of the device: what is wrong is in `problems`.
 * A file that does not exist is a good target if its folder does.
 */
export async function inspectTarget(path: string, options: InspectOptions = {}): Promise<TargetInfo> {
  const { paths = systemPaths, allowPartition = false } = options;
  const absolute = await realpath(resolve(path)).catch(() => resolve(path));
  let stats: BigIntStats;
  try {
    stats = await stat(absolute, { bigint: true });
  } catch (error) {
    return await missing(absolute, error);
  }
  const identity = await identify(absolute, stats, paths);
  if (!stats.isBlockDevice()) {
    const problems = stats.isFile()
      ? await loopsOn(absolute, paths)
      : [{ kind: 'not-a-disk' as const, detail: 'it is neither a block device nor a regular file' }];
    return fileInfo(identity, problems);
  }
  const block = await findSysfsBlock(identity.deviceNumber ?? '', paths);
  if (block === undefined)
    return fileInfo(identity, [{ kind: 'missing', detail: 'the device behind this name is gone' }]);
  return await blockInfo(identity, block, allowPartition, paths);
}

async function blockInfo(
  identity: TargetIdentity,
  block: SysfsBlock,
  allowPartition: boolean,
  paths: SystemPaths,
): Promise<TargetInfo> {
  const problems = await usesOf(block, paths);
  if (block.isPartition && !allowPartition)
    problems.push({ kind: 'partition', detail: 'it is a partition: give the whole disk' });
  if (identity.sizeBytes === 0)
    problems.push({ kind: 'missing', detail: 'it has no medium (its size is 0)' });
  const readOnly = (await readAttribute(block.folder, 'ro')) === '1';
  if (readOnly) problems.push({ kind: 'read-only', detail: 'it is read-only or write-protected' });
  const transport = await transportOf(block.diskFolder);
  const loopInMemory = transport === 'loop' && (await readAttribute(block.diskFolder, 'loop/dio')) !== '1';
  return {
    identity,
    removable: (await readAttribute(block.diskFolder, 'removable')) === '1' || transport === 'usb',
    readOnly,
    transport,
    logicalBlockBytes: (await readNumber(block.diskFolder, 'queue/logical_block_size')) ?? 512,
    discardMaxBytes: (await readNumber(block.diskFolder, 'queue/discard_max_bytes')) ?? 0,
    inMemory: transport === 'zram' || transport === 'ram' || loopInMemory,
    problems,
  };
}

async function transportOf(diskFolder: string): Promise<string | undefined> {
  const [, name] = /\/([a-z]+)[^/]*$/.exec(diskFolder) ?? [];
  if (name === 'loop' || name === 'zram' || name === 'ram' || name === 'nvme' || name === 'mmcblk')
    return name;
  if (diskFolder.includes('/virtio')) return 'virtio';
  if ((await fromUsbDevice(diskFolder, 'idVendor')) !== undefined) return 'usb';
  return name === 'sd' ? 'scsi' : name;
}

async function missing(path: string, error: unknown): Promise<TargetInfo> {
  const identity: TargetIdentity = {
    path,
    kind: 'file',
    sizeBytes: 0,
    deviceNumber: undefined,
    diskSequence: undefined,
    serial: undefined,
    vendor: undefined,
    model: undefined,
    backingFile: undefined,
    inode: undefined,
  };
  if (errnoOf(error) !== 'ENOENT')
    return fileInfo(identity, [{ kind: 'unreadable', detail: errnoOf(error) ?? String(error) }]);
  // A mistyped /dev/sdx would otherwise become a file in memory.
  const inDev = path.startsWith('/dev/') && !path.startsWith('/dev/shm/');
  const folder = inDev ? undefined : await stat(dirname(path)).catch(() => undefined);
  return fileInfo(
    identity,
    folder?.isDirectory() === true ? [] : [{ kind: 'missing', detail: 'there is no such device or folder' }],
  );
}

function fileInfo(identity: TargetIdentity, problems: readonly TargetProblem[]): TargetInfo {
  return {
    identity,
    removable: false,
    readOnly: false,
    transport: 'file',
    logicalBlockBytes: 512,
    discardMaxBytes: 0,
    inMemory: false,
    problems,
  };
}

import type { BigIntStats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readAttribute, readBytes, readNumber, systemPaths, type SystemPaths } from './system-paths.ts';
import { vpdSerial } from './vpd-serial.ts';

/** What tells one target from every other. Plain data: keep it from the selection to the opening. */
export interface TargetIdentity {
  /** As it was given, made absolute. */
  readonly path: string;
  readonly kind: 'disk' | 'partition' | 'file';
  readonly sizeBytes: number;
  /** `major:minor` of a device; undefined for a file. */
  readonly deviceNumber: string | undefined;
  /** The kernel's number for this appearance of a disk (DISKSEQ, Linux 5.15); never used twice while it runs. */
  readonly diskSequence: number | undefined;
  /** Of the device, or of the USB device that it is on; undefined where there is none. */
  readonly serial: string | undefined;
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  /** The file behind a loop device. */
  readonly backingFile: string | undefined;
  /** `device:inode` of a regular file; undefined if it does not exist yet, and for a device. */
  readonly inode: string | undefined;
}

/** Linux's number of a device, as /sys/dev/block names it (glibc's gnu_dev_major and gnu_dev_minor). */
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** The folder of a block device in sysfs, and that of the whole disk, which is the same unless it is a partition. */
export interface SysfsBlock {
  readonly folder: string;
  readonly diskFolder: string;
  readonly isPartition: boolean;
}

/** Finds a block device by its number; undefined if the device is gone. */
export async function findSysfsBlock(
  number: string,
  paths: SystemPaths = systemPaths,
): Promise<SysfsBlock | undefined> {
  try {
    const folder = await realpath(join(paths.sys, 'dev/block', number));
    const isPartition = (await readAttribute(folder, 'partition')) !== undefined;
    return { folder, diskFolder: isPartition ? dirname(folder) : folder, isPartition };
  } catch {
    return undefined;
  }
}

/**
 * The identity of what `stats` is about. Given the fstat of an opened descriptor, it is that of the descriptor and not
 * of whatever has the path now: the kernel does not give a device number away again while a descriptor holds it.
 * A device that is gone has the size 0 and no sequence number.
 */
export async function identify(
  path: string,
  stats: BigIntStats,
  paths: SystemPaths = systemPaths,
): Promise<TargetIdentity> {
  const none = { diskSequence: undefined, serial: undefined, vendor: undefined, model: undefined };
  if (!stats.isBlockDevice()) {
    return {
      path,
      kind: 'file',
      sizeBytes: Number(stats.size),
      deviceNumber: undefined,
      ...none,
      backingFile: undefined,
      inode: `${stats.dev}:${stats.ino}`,
    };
  }
  const number = deviceNumber(stats.rdev);
  const block = await findSysfsBlock(number, paths);
  const base = { path, deviceNumber: number, inode: undefined };
  if (block === undefined) return { ...base, kind: 'disk', sizeBytes: 0, ...none, backingFile: undefined };
  return {
    ...base,
    kind: block.isPartition ? 'partition' : 'disk',
    // Always in units of 512 bytes, whatever the sector size (Documentation/ABI/stable/sysfs-block).
    sizeBytes: 512 * ((await readNumber(block.folder, 'size')) ?? 0),
    diskSequence: await readNumber(block.diskFolder, 'diskseq'),
    serial: await serialOf(block.diskFolder),
    vendor: await readAttribute(block.diskFolder, 'device/vendor'),
    model: await modelOf(block.diskFolder),
    backingFile: await readAttribute(block.diskFolder, 'loop/backing_file'),
  };
}

async function modelOf(diskFolder: string): Promise<string | undefined> {
  return (
    (await readAttribute(diskFolder, 'device/model')) ??
    (await readAttribute(diskFolder, 'device/name')) ??
    (await fromUsbDevice(diskFolder, 'product'))
  );
}

/**
 * First the sources that the installer asks too, in its order (disk_serial of its disks.sh): a recipe names one number for
 * both. virtio and NVMe have it beside the disk, SCSI disks in a page; a stick's SCSI layer has none, but the USB device
 * above does. What is left tells a disk from others, though it is no serial number.
 */
async function serialOf(diskFolder: string): Promise<string | undefined> {
  return (
    (await readAttribute(diskFolder, 'serial')) ??
    (await readAttribute(diskFolder, 'device/serial')) ??
    vpdSerial(await readBytes(diskFolder, 'device/vpd_pg80')) ??
    (await fromUsbDevice(diskFolder, 'serial')) ??
    (await readAttribute(diskFolder, 'wwid')) ??
    (await readAttribute(diskFolder, 'device/wwid'))
  );
}

/** An attribute of the USB device that a disk is on: the first folder upwards that has an idVendor. */
export async function fromUsbDevice(diskFolder: string, attribute: string): Promise<string | undefined> {
  for (let folder = diskFolder; folder !== dirname(folder); folder = dirname(folder)) {
    if ((await readAttribute(folder, 'idVendor')) !== undefined)
      return await readAttribute(folder, attribute);
  }
  return undefined;
}

/** What differs between the selected and the opened target; none if they are the same. */
export function identityDifferences(
  selected: TargetIdentity,
  opened: TargetIdentity,
): { field: string; selected: string; opened: string }[] {
  const fields = ['kind', 'deviceNumber', 'diskSequence', 'serial', 'backingFile', 'inode'] as const;
  const compared = selected.kind === 'file' ? fields : ([...fields, 'sizeBytes'] as const);
  return (
    compared
      .filter((field) => selected[field] !== opened[field])
      // A file that did not exist at the selection has its inode only now.
      .filter((field) => field !== 'inode' || selected.inode !== undefined)
      .map((field) => ({ field, selected: String(selected[field]), opened: String(opened[field]) }))
  );
}

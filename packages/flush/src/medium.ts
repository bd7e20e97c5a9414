import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Stats } from 'node:fs';
import type { FileSystem } from './file-system.ts';

/** File systems that have no device behind them (`include/uapi/linux/magic.h`). */
const inMemory: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x28cd3d45, 'cramfs'],
  [0x958458f6, 'hugetlbfs'],
]);

/**
 * Why reading `path` cannot show what is on a device, or undefined if it can. O_DIRECT proves nothing here:
 * tmpfs accepts it and answers from memory, and a loop device reads its backing file through the page cache.
 */
export async function memoryBehind(fs: FileSystem, path: string, stats: Stats): Promise<string | undefined> {
  if (!stats.isBlockDevice()) {
    const { type } = await fs.statfs(path);
    const name = inMemory.get(type);
    if (name !== undefined) return `${name} keeps its files in memory`;
  }
  const number = stats.isBlockDevice() ? stats.rdev : stats.dev;
  const folder = `/sys/dev/block/${majorOf(number)}:${minorOf(number)}`;
  let device: string;
  try {
    device = basename(await readlink(folder));
  } catch {
    return undefined; // no block device of its own (btrfs, overlay, network): the read counter decides
  }
  if (/^(?:ram|zram)\d+$/.test(device)) return `${device} is a device in memory`;
  if (!device.startsWith('loop')) return undefined;
  const direct = await readFile(`${folder}/loop/dio`, 'utf8').catch(() => '0');
  if (direct.trim() === '1') return undefined;
  return `${device} reads its backing file through the page cache (attach it with losetup --direct-io=on)`;
}

/** Size of a block device in bytes. */
export async function blockDeviceSize(stats: Stats): Promise<number> {
  const sectors = await readFile(`/sys/dev/block/${majorOf(stats.rdev)}:${minorOf(stats.rdev)}/size`, 'utf8');
  return Number(sectors) * 512; // the file counts in 512 bytes whatever the device's sector is
}

/** gnu_dev_major(3); numbers beyond 32 bits are not handed out by Linux. */
function majorOf(device: number): number {
  return (device >>> 8) & 0xfff;
}

function minorOf(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}

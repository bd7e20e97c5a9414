import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FfuSourceError } from '../errors.ts';
import type { GptLayout } from '../gpt/layout.ts';
import type { ImageFormat } from '../qemu/convert.ts';
import { imageInfo } from '../qemu/info.ts';

const maxChain = 64;
/** More of the front and the end of a disk than this is not taken for its partition tables. */
const maxTableBytes = 1024 * 1024;

/**
 * A text that is another one when a file of the source is another one, or was written to: names, sizes, inodes and times
 * of the image and of those below it.
 */
export async function sourceState(
  path: string,
  format: ImageFormat,
  signal: AbortSignal | undefined,
): Promise<string> {
  const parts: string[] = [];
  let next: string | undefined = resolve(path);
  for (let depth = 0; next !== undefined; depth += 1) {
    if (depth === maxChain) throw new FfuSourceError(`${path} has more than ${maxChain} images below it`);
    const file: string = next;
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    parts.push([file, dev, ino, size, mtimeNs, ctimeNs].join(' '));
    next = undefined;
    if (format === 'raw') break;
    const info = await imageInfo(
      file,
      depth === 0 ? format : undefined,
      signal === undefined ? {} : { signal },
    );
    if (info.backingFile !== undefined) next = resolve(dirname(file), info.backingFile);
  }
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

/**
 * The blocks that hold the partition tables, in the order in which they are written: the backup's, then the primary's,
 * and block 0 last of all. A disk that was written only in part does not look bootable.
 */
export function tableBlocks(gpt: GptLayout, blockBytes: number): readonly number[] {
  const { diskSizeBytes, firstUsableLba, lastUsableLba, sectorSize } = gpt;
  const frontBytes = Math.min(firstUsableLba * sectorSize, maxTableBytes);
  const backBytes = Math.min(diskSizeBytes - (lastUsableLba + 1) * sectorSize, maxTableBytes);
  const blocks = new Set<number>();
  const last = diskSizeBytes / blockBytes - 1;
  for (let block = Math.floor((diskSizeBytes - backBytes) / blockBytes); block <= last; block += 1)
    blocks.add(block);
  blocks.add(last);
  for (let block = Math.ceil(frontBytes / blockBytes) - 1; block >= 0; block -= 1) blocks.add(block);
  // Block 0 ends the list even where one block is the whole disk.
  blocks.delete(0);
  return [...blocks, 0];
}

/**
 * The largest block, from `most` down, of which the disk is a multiple; 4096 also where it is a multiple of none: blocks
 * are whole sectors of every disk.
 */
export function fittingBlockBytes(diskSizeBytes: number, most: number): number {
  let fitting = most;
  while (fitting > 4096 && diskSizeBytes % fitting !== 0) fitting /= 2;
  return fitting;
}

/** Throws FfuSourceError unless the disk is whole blocks; says which block would fit. */
export function checkBlockBytes(diskSizeBytes: number, blockBytes: number): void {
  if (blockBytes < 4096 || blockBytes > 1024 * 1024 || (blockBytes & (blockBytes - 1)) !== 0)
    throw new FfuSourceError(
      `blocks of ${blockBytes} bytes: a power of two from 4096 to 1048576 is possible`,
    );
  if (diskSizeBytes % blockBytes === 0) return;
  const fitting = fittingBlockBytes(diskSizeBytes, blockBytes);
  throw new FfuSourceError(
    `a disk of ${diskSizeBytes} bytes is not a multiple of the block of ${blockBytes}: ` +
      (diskSizeBytes % fitting === 0
        ? `pass blockBytes: ${fitting}, or make the disk a multiple of it`
        : 'make the disk a multiple of it'),
  );
}

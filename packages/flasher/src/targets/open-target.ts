import { constants } from 'node:fs';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TargetChangedError } from '../errors.ts';
import { assertTarget } from './check-target.ts';
import { classifyTargetError } from './classify-target-error.ts';
import { lockFile } from './file-lock.ts';
import { FileTargetHandle } from './file-target-handle.ts';
import { identify, identityDifferences, type TargetIdentity } from './identity.ts';
import { inspectTarget, type TargetInfo } from './inspect-target.ts';
import type { TargetHandle } from './target-handle.ts';

export interface OpenTargetOptions {
  /** Bytes that must fit; undefined if that is not known before the end. */
  readonly imageSizeBytes: number | undefined;
  /** The sectors that the image is made for; undefined if it does not say, and where there is no image. */
  readonly imageSectorBytes?: number | undefined;
  readonly allowPartition: boolean;
}

const tmpfsMagic = 0x01021994;
const ramfsMagic = 0x858458f6;

/**
 * Opens a target for writing, if it is still the one that was selected and nothing uses it. Devices are opened with
 * O_EXCL, which the kernel refuses while they or a partition of them are mounted, swapped on, or part of something, and
 * with O_DIRECT. The identity is compared on the opened descriptor. Nothing has been written when this throws.
 *
 * @throws TargetRefusedError, TargetBusyError, TargetChangedError, TargetVanishedError, TargetIoError
 */
export async function openTarget(
  selected: TargetIdentity,
  { imageSizeBytes, imageSectorBytes, allowPartition }: OpenTargetOptions,
): Promise<TargetHandle> {
  const { path } = selected;
  const info = await inspectTarget(path, { allowPartition });
  assertSame(selected, info.identity);
  assertTarget(info, imageSizeBytes, imageSectorBytes);
  if (selected.kind !== 'file') return await openDevice(selected, info);
  try {
    return await openFile(selected, imageSizeBytes);
  } catch (error) {
    throw classifyTargetError(error, { path, operation: 'open' });
  }
}

async function openDevice(selected: TargetIdentity, info: TargetInfo): Promise<TargetHandle> {
  const { path } = selected;
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDWR | constants.O_EXCL | constants.O_DIRECT);
    const identity = await identify(path, await file.stat({ bigint: true }));
    assertSame(selected, identity);
    return new FileTargetHandle({
      file,
      identity,
      sizeBytes: identity.sizeBytes,
      blockBytes: info.logicalBlockBytes,
      readsZeros: false,
      readBack: info.inMemory ? 'memory' : 'direct',
      canDiscard: info.discardMaxBytes > 0,
    });
  } catch (error) {
    await file?.close();
    throw classifyTargetError(error, { path, operation: 'open' });
  }
}

async function openFile(selected: TargetIdentity, imageSizeBytes: number | undefined): Promise<TargetHandle> {
  const { path } = selected;
  const isNew = selected.inode === undefined;
  const flags = constants.O_RDWR | (isNew ? constants.O_CREAT | constants.O_EXCL : 0);
  const { type } = await statfs(dirname(path));
  const inMemory = type === tmpfsMagic || type === ramfsMagic;
  // The last block of a file of odd length cannot be written directly without growing the file.
  const direct = !inMemory && imageSizeBytes !== undefined && imageSizeBytes % 4096 === 0;
  let file: FileHandle | undefined;
  let isDirect = direct;
  let unlock: (() => Promise<void>) | undefined;
  try {
    if (direct) {
      file = await open(path, flags | constants.O_DIRECT).catch(async () => {
        isDirect = false;
        // A file system without O_DIRECT may have made the file before it refused.
        return await open(path, flags & ~constants.O_EXCL);
      });
    } else {
      file = await open(path, flags);
    }
    const identity = await identify(path, await file.stat({ bigint: true }));
    assertSame(selected, identity);
    unlock = await lockFile(path, identity.inode ?? path);
    if (isNew && imageSizeBytes !== undefined) await file.truncate(imageSizeBytes);
    return new FileTargetHandle({
      file,
      identity,
      sizeBytes: Number.POSITIVE_INFINITY,
      blockBytes: isDirect ? 4096 : 1,
      readsZeros: identity.sizeBytes === 0,
      readBack: inMemory ? 'memory' : isDirect ? 'direct' : 'dropped-cache',
      canDiscard: false,
      unlock,
    });
  } catch (error) {
    await unlock?.();
    await file?.close();
    throw error;
  }
}

function assertSame(selected: TargetIdentity, opened: TargetIdentity): void {
  const differences = identityDifferences(selected, opened);
  if (differences.length === 0) return;
  const { path } = selected;
  const list = differences.map((one) => `${one.field} was ${one.selected} and is ${one.opened}`).join(', ');
  throw new TargetChangedError(`${path} is not the target that was selected (${list}): select it again`, {
    path,
    differences,
  });
}

import { constants, type Stats } from 'node:fs';
import { classifyError } from './classify-error.ts';
import type { Deadline } from './deadline.ts';
import { dropCache } from './drop-cache.ts';
import { FlushIoError, FlushUnsupportedError, FlushVerifyError } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { memoryBehind } from './medium.ts';
import { readDigest, type ReadDigest } from './read-digest.ts';
import type { FlushVerification } from './report.ts';
import { storageBytesRead } from './storage-reads.ts';

export interface ReadBack {
  fs: FileSystem;
  path: string;
  stats: Stats;
  deadline: Deadline;
  expected: string;
  /** Only the first bytes; default: to the end. */
  lengthBytes?: number | undefined;
  /** Throw instead of reporting `none`. */
  required?: boolean | undefined;
}

/**
 * Reads what was flushed from the device, and compares digests. That the bytes came from the device is not
 * believed but checked: memory-backed media are refused, and the kernel's count of fetched bytes must cover
 * all blocks that hold data. (Another read of this process at the same time can only raise that count.)
 */
export async function readBack(job: ReadBack): Promise<FlushVerification> {
  const { fs, path, stats, deadline, expected } = job;
  try {
    let reason = await memoryBehind(fs, path, stats);
    const opened = await openForReadBack(job);
    reason ??= opened.reason;
    let digest: ReadDigest;
    const before = await storageBytesRead();
    try {
      digest = await readDigest(opened.file, job.lengthBytes ?? Number.MAX_SAFE_INTEGER, deadline);
    } finally {
      await deadline.closeRead(opened.file);
    }
    const after = await storageBytesRead();
    const length = job.lengthBytes ?? (stats.isFile() ? stats.size : digest.bytes);
    if (digest.bytes !== length) {
      throw new FlushIoError(`read-back of ${path} ended at ${digest.bytes} of ${length} bytes`, {
        target: path,
        operation: 'read-back',
      });
    }
    compare(path, expected, digest.sha256);
    reason ??= countReason(before, after, digest.dataBytes);
    const found = { algorithm: 'sha256', expected, actual: digest.sha256, bytes: digest.bytes } as const;
    if (reason === undefined) return { how: opened.how, ...found };
    if (job.required === true) {
      throw new FlushUnsupportedError(`${path} cannot be read back from its device: ${reason}`, {
        target: path,
        operation: 'read-back',
      });
    }
    return { how: 'none', reason, ...found };
  } catch (error) {
    throw classifyError(error, path, 'read-back');
  }
}

interface Opened {
  file: OpenFile;
  how: 'read-back-direct' | 'read-back-dropped-cache';
  /** Why the bytes may come from memory although the file was opened. */
  reason?: string | undefined;
}

async function openForReadBack({ fs, path, stats, deadline }: ReadBack): Promise<Opened> {
  try {
    const file = await deadline.open(fs, path, constants.O_RDONLY | constants.O_DIRECT, 'read-back');
    return { file, how: 'read-back-direct' };
  } catch (error) {
    if (!(error instanceof FlushUnsupportedError)) throw error;
  }
  // The file system has no O_DIRECT.
  const reason = await dropCache(path, stats, deadline);
  const file = await deadline.open(fs, path, constants.O_RDONLY, 'read-back');
  return { file, how: 'read-back-dropped-cache', reason };
}

function compare(path: string, expected: string, actual: string): void {
  if (actual === expected) return;
  const message = `${path} reads back as sha256 ${actual}, expected ${expected}; write it again, and distrust the device`;
  throw new FlushVerifyError(message, { target: path, operation: 'read-back', expected, actual });
}

function countReason(
  before: number | undefined,
  after: number | undefined,
  dataBytes: number,
): string | undefined {
  if (before === undefined || after === undefined) return 'the kernel does not count bytes read from storage';
  const fetched = after - before;
  if (fetched >= dataBytes) return undefined;
  return `only ${fetched} of ${dataBytes} bytes of data were fetched from storage, the rest came from memory`;
}

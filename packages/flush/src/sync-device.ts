import type { Stats } from 'node:fs';
import type { Deadline } from './deadline.ts';
import type { FileSystem } from './file-system.ts';
import { hashWithin } from './hash-file.ts';
import { blockDeviceSize } from './medium.ts';
import { readBack } from './read-back.ts';
import { notVerified, type FlushVerification } from './report.ts';
import type { FlushStrategy } from './strategy.ts';
import { verifyOptions, type Verify } from './verify-options.ts';

export interface SyncDeviceJob {
  fs: FileSystem;
  strategy: FlushStrategy;
  deadline: Deadline;
  target: string;
  stats: Stats;
  verify: Verify | undefined;
  /** Bytes from the start of the device that belong to the image; default: the whole device. */
  sizeBytes?: number | undefined;
}

/** fsync, BLKFLSBUF and read-back of one block device. */
export async function syncBlockDevice(
  job: SyncDeviceJob,
): Promise<{ bytes: number; verified: FlushVerification }> {
  const { fs, strategy, deadline, target, stats } = job;
  const verify = verifyOptions(job.verify);
  const lengthBytes = job.sizeBytes ?? (await blockDeviceSize(stats));
  const expected =
    verify === undefined
      ? undefined
      : (verify.expected ?? (await hashWithin(deadline, target, { fs, lengthBytes })).sha256);
  await strategy.syncDevice(target, fs, deadline);
  if (expected === undefined) return { bytes: lengthBytes, verified: notVerified('not requested') };
  const required = verify?.required;
  const verified = await readBack({ fs, path: target, stats, deadline, expected, lengthBytes, required });
  return { bytes: lengthBytes, verified };
}

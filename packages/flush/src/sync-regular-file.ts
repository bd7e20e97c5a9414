import { constants, type Stats } from 'node:fs';
import { classifyError } from './classify-error.ts';
import type { Deadline } from './deadline.ts';
import { FlushTargetError } from './errors.ts';
import type { FileSystem } from './file-system.ts';
import { hashWithin } from './hash-file.ts';
import { readBack } from './read-back.ts';
import { notVerified, type FlushVerification } from './report.ts';
import type { FlushStrategy } from './strategy.ts';
import { verifyOptions, type Verify } from './verify-options.ts';

export interface SyncFileJob {
  fs: FileSystem;
  strategy: FlushStrategy;
  deadline: Deadline;
  /** Path without links. */
  target: string;
  dataOnly: boolean;
  verify: Verify | undefined;
}

/** fsync and read-back of one regular file, without its folder. */
export async function syncRegularFile(
  job: SyncFileJob,
): Promise<{ bytes: number; verified: FlushVerification }> {
  const { fs, strategy, deadline, target, dataOnly } = job;
  const verify = verifyOptions(job.verify);
  const operation = dataOnly ? 'fdatasync' : 'fsync';
  // Looked at before it is opened: to open a FIFO would wait for its writer.
  const kind = await statOf(job);
  if (!kind.isFile()) {
    throw new FlushTargetError(
      `${target} is no regular file; use flushTree for a folder, flushVolume or flushImage for a device`,
      { target, operation: 'open' },
    );
  }
  const expected =
    verify === undefined
      ? undefined
      : (verify.expected ?? (await hashWithin(deadline, target, { fs })).sha256);
  const file = await deadline.open(fs, target, constants.O_RDONLY | constants.O_NONBLOCK, 'open');
  try {
    await deadline.step(operation, () => strategy.syncFile(file, { dataOnly }));
  } catch (error) {
    throw classifyError(error, target, operation);
  } finally {
    await deadline.closeRead(file);
  }
  const stats = await statOf(job);
  if (expected === undefined) return { bytes: stats.size, verified: notVerified('not requested') };
  const required = verify?.required;
  const verified = await readBack({ fs, path: target, stats, deadline, expected, required });
  return { bytes: stats.size, verified };
}

async function statOf({ fs, deadline, target }: SyncFileJob): Promise<Stats> {
  try {
    return await deadline.step('stat', () => fs.stat(target));
  } catch (error) {
    throw classifyError(error, target, 'stat');
  }
}

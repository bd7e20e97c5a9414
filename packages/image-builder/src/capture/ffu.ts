import { access, rm } from 'node:fs/promises';
import path from 'node:path';
import { captureFfu, type CaptureFfuReport, verifyFfu } from '@osforge/disk-image';
import type { FlushReport } from '@osforge/flush';
import { capturedFile, type CapturedFile } from './manifest.ts';

export interface FfuOptions {
  /** The finished disk. */
  readonly raw: string;
  /** Its folder belongs to captures of this very disk with these very settings. */
  readonly target: string;
  readonly description: string;
  readonly compress: boolean;
  readonly sourceDateEpoch: number;
  readonly signal: AbortSignal;
  /** Called with 0 … 1; begins where an earlier run was cut. */
  readonly onProgress: (fraction: number) => void;
  readonly log: (line: string) => void;
}

export interface FfuCapture {
  readonly file: CapturedFile;
  /** Undefined where it was whole and flushed in an earlier run. */
  readonly flush?: FlushReport;
}

/** Captures an FFU, or goes on with one that an earlier run has begun: the file is the same. */
export async function captureFfuImage(options: FfuOptions): Promise<FfuCapture> {
  const { target, signal, onProgress, log } = options;
  const name = path.basename(target);
  // Under its name it was whole; its own digests tell whether it still is.
  if (await isWhole(target, signal)) {
    log(`${name} is whole since an earlier run`);
    onProgress(1);
    return { file: await capturedFile(target, signal) };
  }
  await rm(target, { force: true });
  const { resumedBlocks, storedBlocks, ...first } = await capture(options, true);
  let { flush } = first;
  if (resumedBlocks > 0) {
    log(
      `${name} went on from an earlier run, which has written ${resumedBlocks} of its ${storedBlocks} blocks`,
    );
    // They were not read since.
    if (!(await isWhole(target, signal))) {
      log(`${name} does not hold: what the earlier run has written was changed since; it is made anew`);
      ({ flush } = await capture(options, false));
    }
  }
  return { file: await capturedFile(target, signal), flush };
}

function capture(options: FfuOptions, resume: boolean): Promise<CaptureFfuReport> {
  const { raw, target, description, compress, sourceDateEpoch, signal, onProgress } = options;
  return captureFfu({
    source: raw,
    target,
    description,
    compress,
    // Two builds of the same inputs are the same file.
    createdAt: new Date(1000 * sourceDateEpoch),
    resume,
    signal,
    onProgress: ({ step, doneBytes, totalBytes }) => {
      if (step === 'write' && totalBytes > 0) onProgress(doneBytes / totalBytes);
    },
  });
}

async function isWhole(target: string, signal: AbortSignal): Promise<boolean> {
  try {
    await access(target);
    return (await verifyFfu(target, { signal })).ok;
  } catch {
    signal.throwIfAborted();
    // None, or none that can be read.
    return false;
  }
}

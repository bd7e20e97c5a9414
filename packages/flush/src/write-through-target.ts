import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { classifyError, errnoOf } from './classify-error.ts';
import type { Deadline } from './deadline.ts';
import { FlushTargetError, FlushUnsupportedError } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { readBack } from './read-back.ts';
import { notVerified, type FlushReport, type FlushVerification } from './report.ts';
import type { FlushStrategy } from './strategy.ts';
import { syncFolder } from './sync-folder.ts';
import { verifyOptions, type Verify } from './verify-options.ts';
import { writeAll } from './write-all.ts';

const fileFlags: Readonly<Record<'w' | 'wx' | 'a', number>> = {
  w: constants.O_CREAT | constants.O_TRUNC,
  wx: constants.O_CREAT | constants.O_EXCL,
  a: constants.O_CREAT | constants.O_APPEND,
};

export interface WriteThroughJob {
  fs: FileSystem;
  strategy: FlushStrategy;
  deadline: Deadline;
  target: string;
  flags: 'w' | 'wx' | 'a';
  mode: number;
  verify: Verify | undefined;
}

/** The file or device behind a write-through stream. */
export class WriteThroughTarget {
  bytesWritten = 0;
  readonly #job: WriteThroughJob;
  readonly #hash = createHash('sha256');
  #file: OpenFile | undefined;
  #device: Stats | undefined;

  constructor(job: WriteThroughJob) {
    this.#job = job;
  }

  async open(): Promise<void> {
    const { fs, deadline, target, flags, mode, verify } = this.#job;
    if (flags === 'a' && verifyOptions(verify) !== undefined) {
      const message = `${target}: what is appended cannot be verified alone; use flushFile with verify`;
      throw new FlushUnsupportedError(message, { target, operation: 'open' });
    }
    const stats = await this.#stat();
    // To open a FIFO would wait for its reader.
    if (stats !== undefined && !stats.isFile() && !stats.isBlockDevice()) {
      const message = `${target} is no regular file or block device`;
      throw new FlushTargetError(message, { target, operation: 'open' });
    }
    if (stats?.isBlockDevice() === true) this.#device = stats;
    // On a device, O_EXCL without O_CREAT refuses one that is in use, such as a mounted one (open(2)).
    const kind = this.#device === undefined ? fileFlags[flags] : constants.O_EXCL;
    const all = constants.O_WRONLY | constants.O_DSYNC | kind;
    this.#file = await deadline.open(fs, target, all, 'open', { mode });
  }

  async append(bytes: Uint8Array): Promise<void> {
    const file = this.#file;
    if (file === undefined) return; // abandoned meanwhile
    await this.#job.deadline.step('write', () => writeAll(file, bytes));
    this.#hash.update(bytes);
    this.bytesWritten += bytes.length;
  }

  /** Ends the writing; the report lacks only the duration, which the stream measures. */
  async finish(): Promise<Omit<FlushReport, 'durationMs'>> {
    const { fs, strategy, deadline, target } = this.#job;
    const file = this.#file;
    if (file !== undefined) {
      // O_DSYNC speaks of writes: a file that was only truncated, or never written to, still needs this.
      await deadline
        .step('fdatasync', () => strategy.syncFile(file, { dataOnly: true }))
        .catch((error: unknown) => Promise.reject(classifyError(error, target, 'fdatasync')));
      this.#file = undefined;
      await deadline.step('close', () => file.close());
    }
    const path = await deadline.step('stat', () => fs.realpath(target));
    if (this.#device === undefined) await syncFolder(fs, strategy, deadline, dirname(path));
    const verified = await this.#verify(path);
    const files = this.#device === undefined ? 1 : 0;
    return { method: 'write-through', target: path, bytes: this.bytesWritten, files, verified };
  }

  /** Closes after a failure; what happens now adds nothing to the error that led here. */
  async abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await this.#job.deadline.closeRead(file);
  }

  async #stat(): Promise<Stats | undefined> {
    const { fs, deadline, target } = this.#job;
    try {
      return await deadline.step('stat', () => fs.stat(target));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw classifyError(error, target, 'stat');
    }
  }

  async #verify(path: string): Promise<FlushVerification> {
    const { fs, strategy, deadline } = this.#job;
    const verify = verifyOptions(this.#job.verify);
    if (verify === undefined) return notVerified('not requested');
    const expected = verify.expected ?? this.#hash.digest('hex');
    // Drops what was cached before the device was opened.
    if (this.#device !== undefined) await strategy.syncDevice(path, fs, deadline);
    const stats = this.#device ?? (await fs.stat(path));
    const lengthBytes = this.bytesWritten;
    return await readBack({
      fs,
      path,
      stats,
      deadline,
      expected,
      lengthBytes,
      required: verify.required,
    });
  }
}

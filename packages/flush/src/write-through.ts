import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { classifyError } from './classify-error.ts';
import { startDeadline, type Deadline, type DeadlineOptions } from './deadline.ts';
import { FlushCancelledError, type FlushOperation } from './errors.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import type { FlushReport } from './report.ts';
import { requireStrategy, type FlushStrategy } from './strategy.ts';
import type { Verify } from './verify-options.ts';
import { WriteThroughTarget } from './write-through-target.ts';

export interface WriteThroughOptions extends DeadlineOptions {
  /** `w` replaces the content, `wx` refuses an existing file, `a` appends; default `w`. A device is overwritten. */
  flags?: 'w' | 'wx' | 'a' | undefined;
  /** Permission bits of a new file, less the umask; default 0o666. */
  mode?: number | undefined;
  /** Read back what was written; `verify.expected` may also name the digest it must have. Not with `a`. */
  verify?: Verify | undefined;
  /** Bytes that may wait in memory and are then written as one; default 1 MiB. */
  highWaterMark?: number | undefined;
  fs?: FileSystem | undefined;
  strategy?: FlushStrategy | undefined;
  /** Clock in ms; default `performance.now`. */
  now?: (() => number) | undefined;
}

/** A byte stream whose every write is on the device before its callback is called. */
export interface WriteThrough extends Writable {
  /** Bytes that are on the device so far. */
  readonly bytesWritten: number;
  /** Settles when the stream is finished or failed. It may be left unused: errors come from the stream too. */
  readonly report: Promise<FlushReport>;
}

/**
 * Opens a file or block device for writing through (O_DSYNC): what was written is on the device when the
 * write's callback is called. Waiting chunks are joined into one write. At the end the folder is fsynced and,
 * if asked, the content is read back. Links are followed. A block device is opened with O_EXCL: one that is
 * mounted or otherwise in use is refused with FlushBusyError.
 *
 * Errors destroy the stream and are those of {@link flushFile}. After one, what was written last may or may
 * not be on the device; the first `bytesWritten` bytes are.
 */
export function createWriteThrough(path: string, options: WriteThroughOptions = {}): WriteThrough {
  return new WriteThroughStream(resolve(path), options);
}

type Callback = (error?: Error | null) => void;

class WriteThroughStream extends Writable implements WriteThrough {
  readonly report: Promise<FlushReport>;
  readonly #target: WriteThroughTarget;
  readonly #path: string;
  readonly #deadline: Deadline;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #cancel: () => void;
  #resolve: (report: FlushReport) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(path: string, options: WriteThroughOptions) {
    super({ highWaterMark: options.highWaterMark ?? 1024 * 1024, decodeStrings: true });
    this.#path = path;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
    this.report = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.report.catch(() => {}); // the stream's `error` event tells it too
    this.#deadline = startDeadline(path, options);
    this.#target = new WriteThroughTarget({
      fs: options.fs ?? nodeFileSystem,
      strategy: options.strategy ?? requireStrategy(),
      deadline: this.#deadline,
      target: path,
      flags: options.flags ?? 'w',
      mode: options.mode ?? 0o666,
      verify: options.verify,
    });
    this.#cancel = () => {
      this.destroy(this.#deadline.reason('write'));
    };
    if (this.#deadline.expired()) this.#cancel();
    else this.#deadline.signal.addEventListener('abort', this.#cancel, { once: true });
  }

  get bytesWritten(): number {
    return this.#target.bytesWritten;
  }

  override _construct(callback: Callback): void {
    this.#run('open', () => this.#target.open(), callback);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#run('write', () => this.#target.append(chunk), callback);
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], callback: Callback): void {
    // Each write waits for the device: one for all of them costs a copy and saves the waits.
    const joined = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.#run('write', () => this.#target.append(joined), callback);
  }

  override _final(callback: Callback): void {
    const finish = async (): Promise<void> => {
      const report = await this.#target.finish();
      this.#resolve({ ...report, durationMs: this.#now() - this.#startedAt });
    };
    this.#run('close', finish, callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#deadline.signal.removeEventListener('abort', this.#cancel);
    this.#deadline.end();
    const message = `the stream to ${this.#path} was destroyed before it was finished`;
    // No effect once the report is there.
    this.#reject(error ?? new FlushCancelledError(message, { target: this.#path, operation: 'write' }));
    this.#target.abandon().then(() => {
      callback(error);
    }, callback);
  }

  #run(operation: FlushOperation, work: () => Promise<void>, callback: Callback): void {
    work().then(
      () => {
        callback();
      },
      (error: unknown) => {
        // Once destroyed, the stream has its error, and would make an AggregateError of a second one.
        callback(this.destroyed ? null : classifyError(error, this.#path, operation));
      },
    );
  }
}

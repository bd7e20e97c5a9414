import type { FileHandle } from 'node:fs/promises';
import { TargetIoError } from '../errors.ts';
import { classifyTargetError, type FailedOperation } from './classify-target-error.ts';
import type { TargetIdentity } from './identity.ts';
import type { ReadBack, TargetHandle } from './target-handle.ts';

export interface OpenedFile {
  readonly file: FileHandle;
  readonly identity: TargetIdentity;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readsZeros: boolean;
  readonly readBack: ReadBack;
  readonly canDiscard: boolean;
  /** Called once, after the close. */
  readonly unlock?: () => Promise<void>;
}

const discardTimeoutMs = 60_000;
const dropCacheTimeoutMs = 60_000;

/** A block device or a regular file, through one descriptor. */
export class FileTargetHandle implements TargetHandle {
  readonly identity: TargetIdentity;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readsZeros: boolean;
  readonly readBack: ReadBack;
  readonly discard?: (offset: number, length: number) => Promise<void>;
  readonly #opened: OpenedFile;
  #closed: Promise<void> | undefined;

  constructor(opened: OpenedFile) {
    this.#opened = opened;
    this.identity = opened.identity;
    this.sizeBytes = opened.sizeBytes;
    this.blockBytes = opened.blockBytes;
    this.readsZeros = opened.readsZeros;
    this.readBack = opened.readBack;
    if (opened.canDiscard) this.discard = (offset, length) => this.#discard(offset, length);
  }

  async write(buffer: Buffer, offset: number): Promise<void> {
    const failed = { operation: 'write', offsetBytes: offset } as const;
    for (let done = 0; done < buffer.length;) {
      const { bytesWritten } = await this.#try(failed, () =>
        this.#opened.file.write(buffer, done, buffer.length - done, offset + done),
      );
      if (bytesWritten === 0)
        throw this.#error(Object.assign(new Error('wrote nothing'), { code: 'ENOSPC' }), failed);
      done += bytesWritten;
    }
  }

  async read(buffer: Buffer, offset: number): Promise<void> {
    const failed = { operation: 'read', offsetBytes: offset } as const;
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await this.#try(failed, () =>
        this.#opened.file.read(buffer, done, buffer.length - done, offset + done),
      );
      if (bytesRead === 0) {
        if (this.identity.kind === 'file') {
          buffer.fill(0, done); // beyond the end of a file that has not grown so far
          return;
        }
        const message = `${this.identity.path} ends at byte ${offset + done}, before the size that it gives`;
        throw new TargetIoError(message, { path: this.identity.path, errno: undefined, ...failed });
      }
      done += bytesRead;
    }
  }

  async sync(): Promise<void> {
    await this.#try({ operation: 'sync' }, () => this.#opened.file.sync());
  }

  async beforeReadBack(): Promise<void> {
    if (this.readBack !== 'dropped-cache') return;
    await this.sync();
    const { run } = await import('@osforge/process');
    // `count=0` reads nothing, and `nocache` then advises the kernel to drop the pages of the whole file (dd's manual).
    await run('dd', [`if=${this.identity.path}`, 'iflag=nocache', 'count=0', 'status=none'], {
      timeoutMs: dropCacheTimeoutMs,
    });
  }

  async finish(imageSizeBytes: number): Promise<void> {
    // Only a file that was empty: what an existing one holds beyond the image is not ours.
    if (!this.readsZeros) return;
    await this.#try({ operation: 'write' }, () => this.#opened.file.truncate(imageSizeBytes));
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      try {
        await this.#try({ operation: 'close' }, () => this.#opened.file.close());
      } finally {
        await this.#opened.unlock?.();
      }
    })();
    return this.#closed;
  }

  /** Through our own descriptor (`/dev/fd`): the path may be another device by now, and O_EXCL would refuse us too. */
  async #discard(offset: number, length: number): Promise<void> {
    const { run } = await import('@osforge/process');
    const path = `/proc/${process.pid}/fd/${this.#opened.file.fd}`;
    await this.#try({ operation: 'discard', offsetBytes: offset }, () =>
      run('blkdiscard', ['--force', '--offset', String(offset), '--length', String(length), path], {
        timeoutMs: discardTimeoutMs,
      }),
    );
  }

  async #try<Result>(failed: Omit<FailedOperation, 'path'>, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw this.#error(error, failed);
    }
  }

  #error(error: unknown, failed: Omit<FailedOperation, 'path'>): Error {
    return classifyTargetError(error, { path: this.identity.path, ...failed });
  }
}

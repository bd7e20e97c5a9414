import { createHash } from 'node:crypto';
import { TargetFullError } from '../errors.ts';
import type { TargetHandle } from '../targets/target-handle.ts';
import type { FlashContext } from './context.ts';
import { within } from './deadline.ts';
import { roundUp, type Stretch } from './layout.ts';
import type { Lease } from './shared-window.ts';

/** What is read back as one: two pieces a target are in memory, and pages of its buffer that are not used cost nothing. */
const digestPieceBytes = 512 << 10;

/** The operations of one target with their deadlines; none of them gives a buffer back that the kernel still uses. */
export class TargetIo {
  readonly handle: TargetHandle;
  readonly #context: FlashContext;
  readonly #signal: AbortSignal;
  readonly #pending = new Set<Promise<unknown>>();

  constructor(handle: TargetHandle, context: FlashContext, signal: AbortSignal) {
    this.handle = handle;
    this.#context = context;
    this.#signal = signal;
  }

  /** Puts a chunk on the target, and releases it. Zeros are written only where something else is read. */
  async put(lease: Lease): Promise<{ readonly wroteBytes: number }> {
    const offset = lease.index * this.#context.layout.chunkBytes;
    const length = this.#fit(offset, lease.lengthBytes);
    if (lease.data !== undefined) {
      await this.#run('write', this.handle.write(lease.data.subarray(0, length), offset), () => {
        lease.release();
      });
      return { wroteBytes: length };
    }
    lease.release();
    if (this.handle.readsZeros) return { wroteBytes: 0 };
    const zeros = this.#context.zeros.subarray(0, length);
    const { bytes, release } = await this.#read(offset, length);
    const isZero = bytes.equals(zeros);
    release();
    if (isZero) return { wroteBytes: 0 };
    await this.#run('write', this.handle.write(zeros, offset));
    return { wroteBytes: length };
  }

  /** Writes bytes of ours from page-aligned memory, padded with zeros to whole blocks. */
  async write(bytes: Buffer, offset: number): Promise<void> {
    const length = this.#fit(offset, bytes.length);
    if (length === bytes.length) {
      await this.#run('write', this.handle.write(bytes, offset));
      return;
    }
    const { buffer, release } = await this.#buffer();
    buffer.fill(0, 0, length);
    bytes.copy(buffer);
    await this.#run('write', this.handle.write(buffer.subarray(0, length), offset), release);
  }

  /** SHA-256 of what the device gives back: one piece is read while the one before it is hashed. */
  async digest({ startBytes, lengthBytes }: Stretch): Promise<string> {
    await this.#run('flush', this.handle.beforeReadBack());
    const hash = createHash('sha256');
    const pieceBytes = Math.min(this.#context.layout.chunkBytes, digestPieceBytes);
    const end = startBytes + lengthBytes;
    const read = (at: number): Promise<{ bytes: Buffer; release: () => void }> => {
      const reading = this.#read(at, Math.min(pieceBytes, end - at));
      reading.catch(() => undefined); // seen when its turn comes
      return reading;
    };
    let next = read(startBytes);
    for (let at = startBytes; at < end; at += pieceBytes) {
      const { bytes, release } = await next;
      if (at + pieceBytes < end) next = read(at + pieceBytes);
      hash.update(bytes);
      release();
    }
    return hash.digest('hex');
  }

  /** The first byte of a chunk that the device gives back otherwise; undefined if all is right. */
  async firstDifference(lease: Lease): Promise<number | undefined> {
    const offset = lease.index * this.#context.layout.chunkBytes;
    const { bytes, release } = await this.#read(offset, lease.lengthBytes);
    try {
      const expected = (lease.data ?? this.#context.zeros).subarray(0, lease.lengthBytes);
      if (bytes.equals(expected)) return undefined;
      return offset + bytes.findIndex((byte, index) => byte !== expected[index]);
    } finally {
      release();
    }
  }

  async beforeReadBack(): Promise<void> {
    await this.#run('flush', this.handle.beforeReadBack());
  }

  async sync(): Promise<void> {
    await this.#run('flush', this.handle.sync());
  }

  async finish(imageSizeBytes: number): Promise<void> {
    await this.#run('flush', this.handle.finish(imageSizeBytes));
  }

  async discard(offset: number, length: number): Promise<void> {
    if (this.handle.discard !== undefined) await this.#run('discard', this.handle.discard(offset, length));
  }

  /** Waits for what is still in the kernel, and closes; false if the device did not answer in time. */
  async close(): Promise<boolean> {
    const ended = (async () => {
      await Promise.allSettled(this.#pending);
      await this.handle.close();
    })();
    const { ioTimeoutMs } = this.#context.settings;
    // A new signal: the target's own may have been the reason to close.
    return await within('close', ended, {
      timeoutMs: ioTimeoutMs,
      signal: new AbortController().signal,
    }).then(
      () => true,
      () => false,
    );
  }

  /** A buffer of one chunk with what the device gives back; to be released once. */
  async #read(offset: number, lengthBytes: number): Promise<{ bytes: Buffer; release: () => void }> {
    const { buffer, release } = await this.#buffer();
    const length = roundUp(lengthBytes, this.handle.blockBytes);
    const reading = this.handle.read(buffer.subarray(0, length), offset);
    try {
      await this.#run('read', reading);
      return { bytes: buffer.subarray(0, lengthBytes), release };
    } catch (error) {
      // After a deadline the kernel may still write into the buffer.
      reading.then(release, release);
      throw error;
    }
  }

  async #buffer(): Promise<{ buffer: Buffer; release: () => void }> {
    const { pool, settings } = this.#context;
    const buffer = await pool.acquire({ timeoutMs: settings.ioTimeoutMs, signal: this.#signal });
    return {
      buffer,
      release: () => {
        pool.release(buffer);
      },
    };
  }

  #fit(offset: number, lengthBytes: number): number {
    const length = roundUp(lengthBytes, this.handle.blockBytes);
    if (offset + length <= this.handle.sizeBytes) return length;
    const { path } = this.handle.identity;
    const message = `${path} holds ${this.handle.sizeBytes} bytes and the image is larger: take a larger target`;
    throw new TargetFullError(message, { path, offsetBytes: offset });
  }

  async #run<Result>(what: string, work: Promise<Result>, settled?: () => void): Promise<Result> {
    this.#pending.add(work);
    const forget = (): void => {
      this.#pending.delete(work);
      settled?.();
    };
    work.then(forget, forget);
    const { ioTimeoutMs } = this.#context.settings;
    return await within(`${what} of ${this.handle.identity.path}`, work, {
      timeoutMs: ioTimeoutMs,
      signal: this.#signal,
    });
  }
}

import type { TargetIdentity } from './identity.ts';

/** How far a read after a write is from the computer's memory. */
export type ReadBack =
  /** O_DIRECT on storage: the bytes come from the device (which may have a cache of its own). */
  | 'direct'
  /** Buffered; the file is flushed and its pages are dropped before each read. */
  | 'dropped-cache'
  /** The target itself keeps its bytes in memory (tmpfs, zram, a loop device without direct I/O). */
  | 'memory';

/**
 * An opened target: the smallest that the engine needs. Whole buffers, absolute offsets, several operations at once.
 * Buffers start on a page; offsets and lengths are multiples of `blockBytes`. Failures are FlasherErrors.
 */
export interface TargetHandle {
  readonly identity: TargetIdentity;
  /** Infinity for a file, which grows. */
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /** True if everything that was not written reads as zeros: a new file. */
  readonly readsZeros: boolean;
  readonly readBack: ReadBack;
  write(buffer: Buffer, offset: number): Promise<void>;
  read(buffer: Buffer, offset: number): Promise<void>;
  /** Everything written so far is on the device afterwards. */
  sync(): Promise<void>;
  /** Gives blocks back to the device; what they hold then is unknown. Undefined where the device cannot. */
  discard?(offset: number, length: number): Promise<void>;
  /** Must be called before what was written is read back; does nothing where reads are direct. */
  beforeReadBack(): Promise<void>;
  /** The image is complete: a new file gets its exact length. */
  finish(imageSizeBytes: number): Promise<void>;
  /** Closes; safe to call twice. */
  close(): Promise<void>;
}

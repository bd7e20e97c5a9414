/** How the bytes were made durable. */
export type FlushMethod = 'fsync' | 'fdatasync' | 'syncfs' | 'fsync+blkflsbuf' | 'write-through';

/** What was read back after the flush, and from where. */
export interface FlushVerification {
  /**
   * - `read-back-direct`: read with O_DIRECT, and the kernel counted at least as many bytes fetched from
   *   storage as there were bytes in non-zero blocks.
   * - `read-back-dropped-cache`: read through a page cache that was seen to be empty for this file before,
   *   with the same count.
   * - `none`: nothing is claimed; `reason` says why.
   */
  how: 'none' | 'read-back-direct' | 'read-back-dropped-cache';
  /** Set when `how` is `none`. */
  reason?: string;
  /** Set when a digest was computed; it may be set with `how: 'none'` when the bytes came from memory. */
  algorithm?: 'sha256';
  /** Lower-case hex digest that was asked for. */
  expected?: string;
  /** Lower-case hex digest of what was read back. Always equals `expected`: a difference is thrown. */
  actual?: string;
  /** Bytes read back. */
  bytes?: number;
}

/** What one flush did. A report exists only if every step succeeded. */
export interface FlushReport {
  method: FlushMethod;
  /** The file, folder, mount or device, as an absolute path with links resolved where they were followed. */
  target: string;
  durationMs: number;
  /** Size of what was flushed, in bytes; 0 for a mounted volume, where the kernel does not say. */
  bytes: number;
  /** Regular files flushed; 0 for a mounted volume or a block device. */
  files: number;
  verified: FlushVerification;
}

/** The verification of a flush that was not asked to verify. */
export function notVerified(reason: string): FlushVerification {
  return { how: 'none', reason };
}

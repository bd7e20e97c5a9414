import type { OpenFile } from './file-system.ts';

/** Node refuses lengths of 2 GiB and more. */
const maxWriteBytes = 64 * 1024 * 1024;

/** Writes every byte; a short write goes on where it stopped, so that the next one reports the error. */
export async function writeAll(
  file: OpenFile,
  bytes: Uint8Array,
  position: number | null = null,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const at = position === null ? null : position + done;
    const length = Math.min(bytes.length - done, maxWriteBytes);
    const { bytesWritten } = await file.write(bytes, done, length, at);
    done += bytesWritten;
  }
}

import { open } from 'node:fs/promises';
import { typedWriteError } from '../block/sparse-file.ts';
import { writeAll } from '../block/write-all.ts';
import { encodeGpt } from './encode.ts';
import type { GptLayout } from './layout.ts';

/**
 * Writes protective MBR, primary and backup GPT into an existing image (or device) and syncs it.
 * Nothing else of the image is touched, so it stays sparse.
 * @throws DiskFullError
 */
export async function writeGpt(path: string, layout: GptLayout): Promise<void> {
  try {
    const file = await open(path, 'r+');
    try {
      for (const { offset, bytes } of encodeGpt(layout)) await writeAll(file, bytes, offset);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw typedWriteError(error, path);
  }
}

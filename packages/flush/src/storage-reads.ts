import { readFile } from 'node:fs/promises';

/**
 * Bytes that this process has really made the kernel fetch from storage so far (`read_bytes` of
 * `/proc/self/io`, see proc(5)); undefined where the kernel does not account for it.
 */
export async function storageBytesRead(): Promise<number | undefined> {
  try {
    const text = await readFile('/proc/self/io', 'utf8');
    const digits = /^read_bytes: (\d+)$/m.exec(text)?.[1];
    return digits === undefined ? undefined : Number(digits);
  } catch {
    return undefined;
  }
}

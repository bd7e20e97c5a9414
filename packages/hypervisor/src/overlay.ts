import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { run } from '@osforge/process';
import type { WaitOptions } from './wait.ts';

export interface CreateOverlayOptions extends WaitOptions {
  /** The new file; must not exist. */
  readonly path: string;
  readonly backing: { readonly path: string; readonly format: 'raw' | 'qcow2' };
}

/**
 * Makes a qcow2 overlay that shows the backing file's content and takes all writes. Default deadline 30 000 ms.
 * @throws Error with code `EEXIST` when `path` exists; ProgramFailedError of `@osforge/process`
 */
export async function createOverlay({
  path,
  backing,
  signal,
  timeoutMs,
}: CreateOverlayOptions): Promise<void> {
  // qemu-img would overwrite; this refuses, also when two do it at once.
  await (await open(path, 'wx', 0o600)).close();
  await run(
    'qemu-img',
    ['create', '-q', '-f', 'qcow2', '-F', backing.format, '-b', resolve(backing.path), path],
    {
      timeoutMs: timeoutMs ?? 30_000,
      signal,
    },
  );
}

/** True when a qcow2 file has a backing file. Source: QEMU docs/interop/qcow2.txt, header bytes 8–15. */
export async function isOverlay(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return bytesRead === 16 && buffer.readUInt32BE(0) === 0x514649fb && buffer.readBigUInt64BE(8) !== 0n;
  } finally {
    await file.close();
  }
}

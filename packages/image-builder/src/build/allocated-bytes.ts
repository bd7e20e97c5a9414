import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

/** Bytes that a folder's files take on their disk, holes not counted; 0 where it is absent. */
export async function allocatedBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) return allocatedBytes(place);
      return ((await lstat(place).catch(() => undefined))?.blocks ?? 0) * 512;
    }),
  );
  return sizes.reduce((total, size) => total + size, 0);
}

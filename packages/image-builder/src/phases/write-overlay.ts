import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SettingsFile } from './tree-settings.ts';

/** Writes the builder's settings files into a new folder. Their modes are the image's: the user's umask does not count. */
export async function writeOverlay(folder: string, files: readonly SettingsFile[]): Promise<void> {
  const made = new Set<string>();
  const makeFolder = async (place: string): Promise<void> => {
    if (made.has(place)) return;
    if (place !== folder) await makeFolder(path.dirname(place));
    await mkdir(place, { recursive: true });
    await chmod(place, 0o755);
    made.add(place);
  };
  await makeFolder(folder);
  for (const { path: name, content, mode = 0o644 } of files) {
    const target = path.join(folder, name);
    await makeFolder(path.dirname(target));
    await writeFile(target, content);
    await chmod(target, mode);
  }
}

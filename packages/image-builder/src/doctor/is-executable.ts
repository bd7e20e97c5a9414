import { access, constants } from 'node:fs/promises';
import path from 'node:path';

const searchPath = (): string[] => [
  ...new Set([...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']),
];

/** Whether a program is in PATH or in the system's folders for administrators. */
export async function isExecutable(program: string): Promise<boolean> {
  for (const folder of searchPath()) {
    if (folder === '') continue;
    try {
      await access(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this folder; the next one may have it.
    }
  }
  return false;
}

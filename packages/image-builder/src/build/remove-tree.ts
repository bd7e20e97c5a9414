import { readFile, rm } from 'node:fs/promises';
import { run } from '@osforge/process';
import { userNamespaceArguments } from './user-namespace.ts';

/** Mount points at or below a folder, innermost first. Source: proc(5), mountinfo, field 5 with octal escapes. */
export function mountsBelow(mountinfo: string, folder: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(parseInt(octal, 8)),
      ),
    )
    .filter((place) => place === folder || place.startsWith(`${folder}/`))
    .sort()
    .reverse();
}

/**
 * Removes a folder that a killed build left. What is mounted in it is unmounted first, so that nothing outside is
 * touched. Files of a user namespace belong to subordinate user ids, which only a process inside of one may remove.
 */
export async function removeTree(folder: string): Promise<void> {
  const unmount = async (): Promise<void> => {
    for (const place of mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), folder)) {
      await run('umount', ['--', place], { timeoutMs: 30_000 });
    }
  };
  await unmount();
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    const denied =
      error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
    if (!denied || process.getuid?.() === 0) throw error;
    const mapping = await userNamespaceArguments();
    if (!mapping) throw error;
    await run('unshare', ['--user', ...mapping, '--', 'rm', '-rf', '--', folder], { timeoutMs: 10 * 60_000 });
  }
}

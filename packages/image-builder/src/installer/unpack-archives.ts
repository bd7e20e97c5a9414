import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { run } from '@osforge/process';
import { InstallerContentError } from './errors.ts';

const timeoutMs = 10 * 60_000;

/** Name of the package in a `.deb`, from the file's name. Pure. */
export function packageName(archive: string): string {
  return basename(archive).split('_')[0] ?? '';
}

/** The one archive whose package is called so. Throws {@link InstallerContentError}. Pure. */
export function archiveOf(
  archives: readonly string[],
  isIt: (name: string) => boolean,
  what: string,
): string {
  const found = archives.filter((archive) => isIt(packageName(archive)));
  const [archive] = found;
  if (archive === undefined)
    throw new InstallerContentError(`the installer needs ${what}, which is not among its packages`);
  if (found.length > 1)
    throw new InstallerContentError(
      `the installer needs one ${what}, and its packages have several: ${found.map(packageName).join(', ')}`,
    );
  return archive;
}

/** Puts the files of a package into a folder, without running anything of it. Works as any user. */
export async function unpackArchive(archive: string, folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run('dpkg-deb', ['--extract', archive, folder], { signal, timeoutMs });
}

/** The same for the kernel and its modules alone: nine tenths of a kernel's package. */
export async function unpackKernel(archive: string, folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  const script =
    'dpkg-deb --fsys-tarfile "$1" | tar --extract --no-same-owner --directory="$2" --wildcards "$3" "$4"';
  const patterns = ['./boot/vmlinuz-*', './lib/modules/*'];
  await run('bash', ['-o', 'pipefail', '-c', script, 'unpack', archive, folder, ...patterns], {
    signal,
    timeoutMs,
    lifetime: 'tree',
  });
}

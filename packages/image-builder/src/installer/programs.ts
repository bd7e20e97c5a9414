import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { InstallerContentError } from './errors.ts';

/** A program of the installer. Busybox has everything else. */
interface InstallerProgram {
  readonly debianPackage: string;
  readonly name: string;
}

/** What Busybox has not, or not with direct access to disks. */
const programs: readonly InstallerProgram[] = [
  ...['dd', 'sha256sum', 'sync', 'truncate'].map((name) => ({ debianPackage: 'coreutils', name })),
  ...['addpart', 'blkdiscard', 'blockdev', 'delpart', 'partx'].map((name) => ({
    debianPackage: 'util-linux',
    name,
  })),
  ...['e2fsck', 'resize2fs'].map((name) => ({ debianPackage: 'e2fsprogs', name })),
  { debianPackage: 'busybox-static', name: 'busybox' },
  { debianPackage: 'eject', name: 'eject' },
  { debianPackage: 'fdisk', name: 'sfdisk' },
  { debianPackage: 'zstd', name: 'zstd' },
];

/** Packages with programs of the installer; sorted. */
export const programPackages: readonly string[] = [
  ...new Set(programs.map(({ debianPackage }) => debianPackage)),
].sort();

/** Where each program is in the trees of the unpacked packages, by its name. Throws {@link InstallerContentError}. */
export async function locatePrograms(
  treeOf: (debianPackage: string) => string,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { debianPackage, name } of programs) {
    const places = ['bin', 'usr/bin', 'sbin', 'usr/sbin'].map((folder) =>
      join(treeOf(debianPackage), folder, name),
    );
    const place = await firstThere(places);
    if (place === undefined)
      throw new InstallerContentError(`the package ${debianPackage} has no program ${name}`);
    found.set(name, place);
  }
  return found;
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

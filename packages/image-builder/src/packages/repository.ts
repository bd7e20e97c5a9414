import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolvedSet } from './resolved-package.ts';
import { withoutFields } from './stanzas.ts';

export interface RepositoryOptions {
  /** Folder that the set was downloaded to. */
  archiveDirectory: string;
  /** Code name in the Release file, for tools that select by it; default `osforge`. */
  codename?: string;
  /** Copy the archives instead of hard-linking them; default false. Across file systems they are copied anyway. */
  copy?: boolean;
}

/**
 * Makes a folder an offline repository of a set: the archives, `Packages` from the paragraphs of the
 * signed indexes, and `Release`. Equal sets give equal bytes. For apt it is
 * `deb [trusted=yes] file:/folder ./`, or `copy:` in place of `file:`. Returns its files, sorted.
 */
export async function buildRepository(
  directory: string,
  set: ResolvedSet,
  { archiveDirectory, codename = 'osforge', copy = false }: RepositoryOptions,
): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const index = renderPackages(set);
  await writeFile(join(directory, 'Packages'), index);
  await writeFile(join(directory, 'Release'), renderRelease(index, codename));
  for (const { fileName } of set)
    await place(join(archiveDirectory, fileName), join(directory, fileName), copy);
  return ['Packages', 'Release', ...set.map(({ fileName }) => fileName)].sort();
}

const replaced: ReadonlySet<string> = new Set(['filename', 'md5sum', 'sha1', 'size', 'sha256', 'sha512']);

/** The `Packages` index of a flat repository; pure. */
function renderPackages(set: ResolvedSet): string {
  return set
    .map(({ stanza, fileName, sizeBytes, sha256 }) =>
      [
        withoutFields(stanza, replaced),
        // apt takes the name for part of an address: a percent sign stands for itself.
        `Filename: ./${fileName}`,
        `Size: ${sizeBytes}`,
        `SHA256: ${sha256}`,
        '',
      ].join('\n'),
    )
    .join('\n');
}

/** The `Release` file of a flat repository, without a date so that it depends on the packages only; pure. */
function renderRelease(index: string, codename: string): string {
  const sha256 = createHash('sha256').update(index).digest('hex');
  return [
    'Origin: osforge',
    'Label: osforge',
    `Suite: ${codename}`,
    `Codename: ${codename}`,
    'Architectures: amd64',
    'SHA256:',
    ` ${sha256} ${Buffer.byteLength(index)} Packages`,
    '',
  ].join('\n');
}

async function place(from: string, to: string, copy: boolean): Promise<void> {
  await rm(to, { force: true });
  if (!copy) {
    try {
      await link(from, to);
      return;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      // Another file system, one without links, too many links, or a file that is not ours.
      if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK' && code !== 'ENOTSUP') throw error;
    }
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}

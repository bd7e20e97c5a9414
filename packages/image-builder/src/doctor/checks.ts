import { access, constants, mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { run } from '@osforge/process';
import type { PreflightCheck } from '../errors.ts';
import { isExecutable } from './is-executable.ts';

/** A program that a build needs, and the Debian package that has it. */
interface NeededProgram {
  readonly program: string;
  readonly debianPackage: string;
}

const programs: readonly NeededProgram[] = [
  { program: 'mmdebstrap', debianPackage: 'mmdebstrap' },
  { program: 'apt-get', debianPackage: 'apt' },
  { program: 'apt-ftparchive', debianPackage: 'apt-utils' },
  { program: 'mkfs.ext4', debianPackage: 'e2fsprogs' },
  { program: 'mformat', debianPackage: 'mtools' },
  { program: 'qemu-img', debianPackage: 'qemu-utils' },
  { program: 'qemu-system-x86_64', debianPackage: 'qemu-system-x86' },
  { program: 'setpriv', debianPackage: 'util-linux' },
  { program: 'unshare', debianPackage: 'util-linux' },
  { program: 'xorriso', debianPackage: 'xorriso' },
];

/** Whether every program is there; one check for all, so that the remedy is one line. */
export async function checkPrograms(): Promise<PreflightCheck> {
  const missing: NeededProgram[] = [];
  for (const needed of programs) if (!(await isExecutable(needed.program))) missing.push(needed);
  if (missing.length === 0) {
    return { name: 'programs', ok: true, detail: `${programs.length} of ${programs.length} are installed` };
  }
  const packages = [...new Set(missing.map((needed) => needed.debianPackage))];
  return {
    name: 'programs',
    ok: false,
    detail: `missing: ${missing.map((needed) => needed.program).join(', ')}`,
    remedy: `apt-get install --no-install-recommends ${packages.join(' ')}`,
  };
}

/** The nearest folder of `target` that exists. */
async function existingParent(target: string): Promise<string> {
  try {
    await access(target);
    return target;
  } catch {
    const parent = path.dirname(target);
    return parent === target ? parent : existingParent(parent);
  }
}

/** Whether `directory` can be written and has `neededBytes` free. */
export async function checkSpace(
  name: string,
  directory: string,
  neededBytes: number,
): Promise<PreflightCheck> {
  const place = await existingParent(directory);
  try {
    await access(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    return {
      name,
      ok: false,
      detail: `${place} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      remedy: 'Choose another folder with --out, or change its owner.',
    };
  }
  const { bavail, bsize } = await statfs(place);
  const freeBytes = bavail * bsize;
  const mebibytes = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MiB`;
  const detail = `${mebibytes(freeBytes)} free in ${place}, ${mebibytes(neededBytes)} needed`;
  if (freeBytes >= neededBytes) return { name, ok: true, detail };
  return { name, ok: false, detail, remedy: 'Free some space, or choose another folder with --out.' };
}

/** Whether temporary files can be made where sockets of the build machine will be. */
export async function checkTemporary(directory: string): Promise<PreflightCheck> {
  const name = 'temporary folder';
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK | constants.X_OK);
    return { name, ok: true, detail: directory };
  } catch (error) {
    return {
      name,
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
      remedy: 'Set TMPDIR to a folder that you can write.',
    };
  }
}

const debianPackages = [
  'e2fsprogs',
  'mmdebstrap',
  'mtools',
  'ovmf',
  'qemu-system-x86',
  'qemu-utils',
  'xorriso',
  'apt',
];

/** Versions of the Debian packages whose tools shape an image; a package that is not installed is left out. */
export async function installedToolVersions(signal?: AbortSignal): Promise<Record<string, string>> {
  const { stdout } = await run(
    'dpkg-query',
    ['--show', '--showformat', '${Package}\\t${Version}\\n', '--', ...debianPackages],
    { allowedExitCodes: [0, 1], timeoutMs: 20_000, ...(signal === undefined ? {} : { signal }) },
  );
  const rows = stdout.split('\n').map((line) => line.split('\t'));
  return Object.fromEntries(
    rows.flatMap(([name, version]) => (name && version ? [[name, version] as const] : [])),
  );
}

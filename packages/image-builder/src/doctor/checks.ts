import { access, constants, mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { run } from '@osforge/process';
import type { PreflightCheck } from '../errors.ts';
import { isExecutable } from './is-executable.ts';
import { neededPrograms } from './needed-programs.ts';

/** Each program by itself: what it is for, and whether it is there. */
export async function checkEachProgram(): Promise<PreflightCheck[]> {
  return Promise.all(
    neededPrograms.map(async ({ program, debianPackage, why }): Promise<PreflightCheck> => {
      if (await isExecutable(program)) return { name: program, ok: true, detail: 'installed', why };
      const remedy = `apt-get install --no-install-recommends ${debianPackage}`;
      return { name: program, ok: false, detail: 'not installed', why, remedy, debianPackage };
    }),
  );
}

/** Whether every program is there; one check for all, so that the remedy is one line. */
export async function checkPrograms(): Promise<PreflightCheck> {
  const checks = await checkEachProgram();
  const missing = checks.filter(({ ok }) => !ok);
  if (missing.length === 0) {
    return { name: 'programs', ok: true, detail: `${checks.length} of ${checks.length} are installed` };
  }
  return {
    name: 'programs',
    ok: false,
    detail: `missing: ${missing.map(({ name }) => name).join(', ')}`,
    remedy: installCommand(missing) ?? '',
  };
}

/** The one command that installs what the checks found missing; undefined where no package would help. */
export function installCommand(checks: readonly PreflightCheck[]): string | undefined {
  const packages = checks.flatMap(({ ok, debianPackage }) => (ok || !debianPackage ? [] : [debianPackage]));
  if (packages.length === 0) return undefined;
  return `apt-get install --no-install-recommends ${[...new Set(packages)].sort().join(' ')}`;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`;
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
  const why = 'holds the disk, the machine’s saved memory and the images';
  const place = await existingParent(directory);
  try {
    await access(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    return {
      name,
      ok: false,
      why,
      detail: `${place} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      remedy: 'Choose another folder with --out, or change its owner.',
    };
  }
  const { bavail, bsize } = await statfs(place);
  const freeBytes = bavail * bsize;
  const detail = `${mebibytes(freeBytes)} free in ${place}, ${mebibytes(neededBytes)} needed`;
  if (freeBytes >= neededBytes) return { name, ok: true, detail, why };
  return { name, ok: false, detail, why, remedy: 'Free some space, or choose another folder with --out.' };
}

/** What a build puts there: sockets, and small files of its tools. */
const temporaryBytes = 16 * 1024 ** 2;

/** Whether temporary files can be made where sockets of the build machine will be. */
export async function checkTemporary(directory: string): Promise<PreflightCheck> {
  const name = 'temporary folder';
  const why = 'holds the build machine’s sockets';
  const remedy = 'Set TMPDIR to a folder that you can write.';
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(directory);
    const free = bavail * bsize;
    const detail = `${mebibytes(free)} free in ${directory}`;
    if (free >= temporaryBytes) return { name, ok: true, detail, why };
    return {
      ...{ name, ok: false, why, remedy: 'Free some space there, or set TMPDIR to another folder.' },
      detail: `${detail}, ${mebibytes(temporaryBytes)} needed`,
    };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name, ok: false, detail, why, remedy };
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

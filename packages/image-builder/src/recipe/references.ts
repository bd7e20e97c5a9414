import { access, constants, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { FieldPath, Finding } from './diagnostic.ts';
import { nearest } from './nearest.ts';

interface Reference {
  path: FieldPath;
  target: string;
  kind: 'file' | 'folder' | 'any';
}

/**
 * Checks that what a recipe refers to is in the recipe's folder and can be read. Takes the data as
 * it came from YAML, so that missing files are reported together with errors of other kinds.
 */
export async function checkReferences(value: unknown, directory: string): Promise<Finding[]> {
  const findings = await Promise.all(references(value).map((reference) => check(reference, directory)));
  return findings.filter((finding) => finding !== undefined);
}

function references(value: unknown): Reference[] {
  const apps = listOf(member(value, 'apps')).flatMap((app, index): Reference[] => [
    ...listOf(member(app, 'files')).flatMap((file, at) =>
      reference(member(file, 'source'), ['apps', index, 'files', at, 'source'], 'any'),
    ),
    ...listOf(member(app, 'scripts')).flatMap((script, at) =>
      reference(member(script, 'path'), ['apps', index, 'scripts', at, 'path'], 'file'),
    ),
  ]);
  const hostname = member(member(value, 'media'), 'hostname');
  return [
    ...reference(member(member(value, 'drivers'), 'folder'), ['drivers', 'folder'], 'folder'),
    ...apps,
    ...reference(member(hostname, 'names'), ['media', 'hostname', 'names'], 'file'),
  ];
}

async function check({ path, target, kind }: Reference, directory: string): Promise<Finding | undefined> {
  const finding = (message: string, remedy?: string): Finding => ({
    path,
    message,
    expected: `a ${kind === 'any' ? 'file or folder' : kind} in the recipe's folder`,
    remedy,
  });
  const outside = "Copy it into the recipe's folder.";
  const absolute = resolve(directory, target);
  if (isAbsolute(target)) return finding('the path is absolute', outside);
  if (!isInside(directory, absolute)) return finding("the path leads out of the recipe's folder", outside);
  try {
    const [folder, real] = await Promise.all([realpath(directory), realpath(absolute)]);
    if (!isInside(folder, real)) return finding("a symbolic link leads out of the recipe's folder", outside);
    const status = await stat(real);
    if (kind === 'folder' && !status.isDirectory()) return finding(`"${target}" is not a folder`);
    if (kind === 'file' && !status.isFile()) return finding(`"${target}" is not a file`);
    if (!status.isFile() && !status.isDirectory()) return finding(`"${target}" is neither file nor folder`);
    await access(real, constants.R_OK | (status.isDirectory() ? constants.X_OK : 0));
    return undefined;
  } catch (error) {
    return finding(reason(error, target), await suggestion(error, absolute, directory));
  }
}

function reason(error: unknown, target: string): string {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `"${target}" does not exist`;
    case 'EACCES':
      return `no permission to read "${target}"`;
    case 'ELOOP':
      return `"${target}" is a loop of symbolic links`;
    default:
      return `"${target}" cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function suggestion(error: unknown, absolute: string, directory: string): Promise<string | undefined> {
  if (codeOf(error) === 'EACCES') return 'Make it readable for the user who builds.';
  if (codeOf(error) !== 'ENOENT') return undefined;
  const folder = dirname(absolute);
  const names = await readdir(folder).catch((): string[] => []);
  const near = nearest(basename(absolute), names);
  return near === undefined ? undefined : `Did you mean "${relative(directory, resolve(folder, near))}"?`;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function reference(target: unknown, path: FieldPath, kind: Reference['kind']): Reference[] {
  return typeof target === 'string' && target !== '' && !target.includes('\0')
    ? [{ path, target, kind }]
    : [];
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key] // an own property of data that YAML made
    : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

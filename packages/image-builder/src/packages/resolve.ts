import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestNames } from '../recipe/nearest.ts';
import { AptFailedError, PackageUnknownError } from './errors.ts';
import { parseMadison, parsePrintedUris, parseUnknownPackages, type PrintedUri } from './parse-apt-output.ts';
import type { ResolvedPackage, ResolvedSet } from './resolved-package.ts';
import { runApt, type AptRun } from './run-apt.ts';
import { parseFields, splitStanzas, withoutFields } from './stanzas.ts';
import { writeIfDifferent, type WorkspaceFolders } from './workspace-folders.ts';

export interface ResolveRequest {
  /** `name` or `name=version`; recommended packages are not added. */
  install: readonly string[];
  /**
   * Packages that are installed already: the answer is what comes in addition, as in the guest. Without
   * it, the answer is the whole closure from nothing.
   */
  besides?: ResolvedSet;
  /**
   * What an empty system gets: `minbase` (essential and required packages and apt, as mmdebstrap's variant
   * of that name) or `nothing`. Default `minbase` without `besides`, `nothing` with it.
   */
  base?: 'minbase' | 'nothing';
  /** Default 2 minutes. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** The part of a workspace that resolving needs. */
export type ResolveFolders = WorkspaceFolders & { lockTimeoutMs: number };

const minbase = ['?essential', '?priority(required)', 'apt'];
/** Stanzas of a thousand packages with long dependencies. */
const largestOutputBytes = 64 * 1024 ** 2;

/**
 * What apt would install, with digests and index paragraphs. Throws {@link PackageUnknownError} for
 * names or versions that no index has, `PackageConflictError` where the packages do not go together.
 */
export async function resolvePackages(
  at: ResolveFolders,
  request: ResolveRequest,
): Promise<ResolvedPackage[]> {
  const { install, besides, base = besides === undefined ? 'minbase' : 'nothing' } = request;
  const wanted = [...(base === 'minbase' ? minbase : []), ...install];
  if (wanted.length === 0) return [];
  const apt: AptRun = {
    configPath: at.configPath,
    what: 'resolve the packages',
    directory: at.root,
    lock: { path: at.lockPath, mode: 'shared', waitMs: at.lockTimeoutMs },
    timeoutMs: request.timeoutMs ?? 120_000,
    signal: request.signal,
    maxOutputBytes: largestOutputBytes,
  };
  const status = besides === undefined ? [] : await installedStatus(at, besides);
  const printed = await runApt(
    'apt-get',
    [
      '-q',
      '--print-uris',
      '--yes',
      '--no-remove',
      '-o',
      'Debug::NoLocking=true',
      ...status,
      'install',
      '--',
      ...wanted,
    ],
    {
      ...apt,
      explain: (lines, cause) => unknownPackages(apt, lines, cause),
    },
  );
  const uris = parsePrintedUris(printed.stdout);
  if (uris.length === 0) return [];
  const specs = uris.map(({ name, version }) => `${name}=${version}`);
  const [shown, listed] = await Promise.all([
    runApt('apt-cache', ['show', '--', ...specs], apt),
    runApt('apt-cache', ['madison', '--', ...uris.map(({ name }) => name)], apt),
  ]);
  return describe(uris, splitStanzas(shown.stdout), parseMadison(listed.stdout));
}

function describe(
  uris: readonly PrintedUri[],
  stanzas: readonly string[],
  suites: ReadonlyMap<string, readonly string[]>,
): ResolvedPackage[] {
  // Two suites may have one version; the paragraph of the archive that apt took has its digest.
  const byDigest = new Map(
    stanzas.map((stanza) => {
      const fields = parseFields(stanza);
      return [`${fields.get('package') ?? ''} ${fields.get('sha256') ?? ''}`, stanza];
    }),
  );
  return uris
    .map((entry) => {
      const stanza = byDigest.get(`${entry.name} ${entry.sha256}`);
      if (stanza === undefined)
        throw new AptFailedError('describe a package', [`The index has no paragraph of ${entry.fileName}.`]);
      return { ...entry, stanza, suite: suites.get(`${entry.name}=${entry.version}`)?.[0] ?? '' };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const archiveFields: ReadonlySet<string> = new Set([
  'filename',
  'size',
  'md5sum',
  'sha1',
  'sha256',
  'sha512',
]);

/** A dpkg status file in which the set is installed, named by its content so that it is written once. */
async function installedStatus(at: ResolveFolders, installed: ResolvedSet): Promise<string[]> {
  const text = installed
    .map(({ stanza }) => `${withoutFields(stanza, archiveFields)}\nStatus: install ok installed\n`)
    .join('\n');
  const path = join(
    at.state,
    `installed-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.status`,
  );
  await access(path).catch(() => writeIfDifferent(path, text));
  // The cache file on disk belongs to the empty state; this one is built in memory.
  return ['-o', `Dir::State::status=${path}`, '-o', 'Dir::Cache::pkgcache='];
}

async function unknownPackages(
  apt: AptRun,
  lines: readonly string[],
  cause: unknown,
): Promise<Error | undefined> {
  const unknown = parseUnknownPackages(lines);
  if (unknown.length === 0) return undefined;
  const { stdout } = await runApt('apt-cache', ['pkgnames'], apt);
  const names = stdout.split('\n');
  const packages = await Promise.all(
    unknown.map(async ({ name, providers }) => {
      const [bare = '', version] = name.split('=');
      if (version !== undefined) return { name, nearest: await versionsOf(apt, bare) };
      return { name, nearest: providers.length > 0 ? providers.slice(0, 5) : nearestNames(bare, names, 5) };
    }),
  );
  return new PackageUnknownError(
    packages,
    lines.filter((line) => line.startsWith('E:')),
    { cause },
  );
}

async function versionsOf(apt: AptRun, name: string): Promise<string[]> {
  const { stdout } = await runApt('apt-cache', ['madison', '--', name], apt);
  return [...parseMadison(stdout).keys()].slice(0, 5);
}

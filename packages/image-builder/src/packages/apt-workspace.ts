import { stat, writeFile } from 'node:fs/promises';
import { machineAptSettings } from './apt-config.ts';
import { downloadPackages, type DownloadOptions, type DownloadReport } from './download.ts';
import { readIndexInfo, type IndexInfo } from './index-info.ts';
import type { PackageSource } from './package-source.ts';
import { resolvePackages, type ResolveRequest } from './resolve.ts';
import type { ResolvedPackage, ResolvedSet } from './resolved-package.ts';
import { runApt } from './run-apt.ts';
import { prepareWorkspace, workspaceFolders } from './workspace-folders.ts';

export interface AptWorkspaceOptions {
  /**
   * Folder for indexes, kept between builds; each set of sources gets a folder of its own in it. It may
   * be shared by several processes of one user.
   */
  directory: string;
  /** Nobody else uses the folder right now: what killed processes left in it goes at once; default false. */
  isOnlyUser?: boolean;
  sources: readonly PackageSource[];
  /** apt settings for reaching the archives, as configuration lines; default: the machine's. */
  settings?: readonly string[];
  /** How long to wait for another process in the same folder; default 10 minutes. */
  lockTimeoutMs?: number;
  /** Default `Date.now`. */
  now?: () => number;
  signal?: AbortSignal;
}

export interface RefreshOptions {
  /** Indexes that are younger are used as they are, without network; default 0. */
  maxAgeMs?: number;
  /** Default 10 minutes. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** An apt root of its own. Works as any user, and neither reads nor writes the system's package state. */
export interface AptWorkspace {
  /** Folder of these sources. */
  readonly directory: string;
  readonly sources: readonly PackageSource[];
  /**
   * Fetches the indexes and checks their signatures, digests and dates. After an error the former
   * indexes are still there. Throws the errors of this folder; see `isTransientPackageError`.
   */
  refreshIndexes(options?: RefreshOptions): Promise<IndexInfo[]>;
  /** The indexes at hand, without network; empty before the first refresh. */
  indexes(): Promise<IndexInfo[]>;
  /** What would be installed; see {@link ResolveRequest}. Ordered by name; needs no network. */
  resolve(request: ResolveRequest): Promise<ResolvedPackage[]>;
  /** Fetches the archives of a set into a folder that several sets and processes may share. */
  download(set: ResolvedSet, archiveDirectory: string, options?: DownloadOptions): Promise<DownloadReport>;
}

/** Makes or re-uses the workspace of these sources; no network. */
export async function openAptWorkspace(options: AptWorkspaceOptions): Promise<AptWorkspace> {
  const { sources, lockTimeoutMs = 600_000, now = Date.now } = options;
  const folders = workspaceFolders(options.directory, sources);
  await prepareWorkspace(folders, sources, {
    settings: options.settings ?? (await machineAptSettings(options.signal)),
    isOnlyUser: options.isOnlyUser ?? false,
  });
  const at = { ...folders, lockTimeoutMs };

  return {
    directory: folders.root,
    sources,
    indexes: () => readIndexInfo(folders.lists),
    async refreshIndexes({ maxAgeMs = 0, timeoutMs = 600_000, signal } = {}) {
      if (await isFresh(folders.stampPath, maxAgeMs, now)) {
        const infos = await readIndexInfo(folders.lists);
        if (infos.length > 0) return infos;
      }
      // Whoever calls tries again and says so; apt would do it silently, and both together take minutes.
      await runApt('apt-get', ['-q', '-o', 'Acquire::Retries=0', 'update'], {
        configPath: folders.configPath,
        what: 'refresh the package indexes',
        directory: folders.root,
        lock: { path: folders.lockPath, mode: 'exclusive', waitMs: lockTimeoutMs },
        timeoutMs,
        signal,
      });
      await writeFile(folders.stampPath, '');
      return readIndexInfo(folders.lists);
    },
    resolve: (request) => resolvePackages(at, request),
    download: (set, archiveDirectory, download) => downloadPackages(at, set, archiveDirectory, download),
  };
}

async function isFresh(stampPath: string, maxAgeMs: number, now: () => number): Promise<boolean> {
  if (maxAgeMs <= 0) return false;
  const stamp = await stat(stampPath).catch(() => undefined);
  if (stamp === undefined) return false;
  const ageMs = now() - stamp.mtimeMs;
  // A stamp from the future is the work of a clock that was set back.
  return ageMs >= 0 && ageMs < maxAgeMs;
}

import { chmod, chown, mkdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveHashError, PackageSpaceError } from './errors.ts';
import { withFileLock } from './file-lock.ts';
import type { ResolveFolders } from './resolve.ts';
import { downloadSize, type ResolvedPackage, type ResolvedSet } from './resolved-package.ts';
import { runApt } from './run-apt.ts';
import { hasDigest } from './verify-archive.ts';

/** Progress of one download; both figures grow monotonically up to the total. */
export interface DownloadProgress {
  /** Of what has to come over the network; archives at hand are not counted. */
  doneBytes: number;
  totalBytes: number;
}

export interface DownloadOptions {
  /**
   * Name of the folder for unfinished files: what was half fetched under a name is continued under that
   * name. Downloads of different names run at the same time, those of one name one after the other.
   * Letters, digits and hyphens; default `default`.
   */
  scope?: string;
  onProgress?: (progress: DownloadProgress) => void;
  /** For the whole download; default 1 hour. A server that stops sending is given up much earlier by apt. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface DownloadReport {
  /** Absolute paths in the order of the set. */
  files: string[];
  downloadedBytes: number;
  /** Archives that were there with the right digest. */
  reusedBytes: number;
}

/**
 * Puts the archives of a set into `archiveDirectory` under apt's names. An archive appears there only
 * complete and with the digest of the signed index; one that is there is checked and used.
 */
export async function downloadPackages(
  at: ResolveFolders,
  set: ResolvedSet,
  archiveDirectory: string,
  options: DownloadOptions = {},
): Promise<DownloadReport> {
  const { scope = 'default', signal } = options;
  if (!/^[A-Za-z0-9-]+$/.test(scope)) throw new TypeError(`"${scope}" is no name for a download.`);
  const partial = join(archiveDirectory, 'partial', scope);
  await mkdir(partial, { recursive: true });
  const files = set.map(({ fileName }) => join(archiveDirectory, fileName));
  const report = (downloadedBytes: number): DownloadReport => {
    return { files, downloadedBytes, reusedBytes: downloadSize(set) - downloadedBytes };
  };
  const missing = await missingArchives(set, archiveDirectory, signal);
  if (missing.length === 0) return report(0);

  // Until the archives are published: a download of this name that started meanwhile would write into them.
  const lock = { path: `${partial}.lock`, mode: 'exclusive', waitMs: at.lockTimeoutMs } as const;
  return withFileLock({ ...lock, directory: archiveDirectory }, signal, async (held) => {
    // Whoever had the lock before may have fetched them.
    const wanted = await missingArchives(missing, archiveDirectory, signal);
    if (wanted.length > 0) await fetchArchives(at, wanted, archiveDirectory, { partial, held, ...options });
    return report(downloadSize(wanted));
  });
}

interface FetchOptions extends DownloadOptions {
  /** Folder for unfinished files. */
  partial: string;
  /** Descriptor of its lock. */
  held: number;
}

async function fetchArchives(
  at: ResolveFolders,
  missing: readonly ResolvedPackage[],
  archiveDirectory: string,
  { partial, held, onProgress, timeoutMs = 3_600_000, signal }: FetchOptions,
): Promise<void> {
  const totalBytes = downloadSize(missing);
  await checkSpace(archiveDirectory, totalBytes);
  await mkdir(partial, { recursive: true });
  await giveToSandbox(partial);
  onProgress?.({ doneBytes: 0, totalBytes });
  let doneBytes = 0;
  const target = ({ fileName }: ResolvedPackage): string => join(partial, fileName);
  try {
    await runApt(
      '/usr/lib/apt/apt-helper',
      [
        ...['-q', '-o', 'APT::Status-Fd=1', 'download-file'],
        ...missing.flatMap((entry) => [fetchable(entry.uri), target(entry), `SHA256:${entry.sha256}`]),
      ],
      {
        configPath: at.configPath,
        what: 'download the packages',
        directory: archiveDirectory,
        lock: held,
        timeoutMs,
        signal,
        onLine: (line) => {
          const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
          if (percent === undefined) return;
          const now = Math.min(totalBytes, Math.round((Number(percent) / 100) * totalBytes));
          if (now <= doneBytes) return;
          doneBytes = now;
          onProgress?.({ doneBytes, totalBytes });
        },
      },
    );
  } catch (error) {
    // What does not have its digest would be continued, and be wrong again.
    if (error instanceof ArchiveHashError) await rm(partial, { recursive: true, force: true });
    throw error;
  }
  for (const entry of missing) await publish(target(entry), join(archiveDirectory, entry.fileName), entry);
  if (doneBytes < totalBytes) onProgress?.({ doneBytes: totalBytes, totalBytes });
}

async function missingArchives(
  set: ResolvedSet,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<ResolvedPackage[]> {
  const missing: ResolvedPackage[] = [];
  for (const entry of set) {
    signal?.throwIfAborted();
    if (!(await hasDigest(join(directory, entry.fileName), entry, signal))) missing.push(entry);
  }
  return missing;
}

/** Into the shared folder in one step. Another download may have been faster with the same file. */
async function publish(from: string, to: string, entry: ResolvedPackage): Promise<void> {
  if (process.getuid?.() === 0) await chown(from, 0, 0);
  await chmod(from, 0o644);
  // After the sandbox's user has lost it, so that nothing can change what was checked.
  if (!(await hasDigest(from, entry)))
    throw new ArchiveHashError([`${entry.fileName} changed after it was fetched.`]);
  await rename(from, to);
}

async function checkSpace(directory: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const availableBytes = bavail * bsize;
  if (availableBytes < neededBytes) throw new PackageSpaceError(directory, { neededBytes, availableBytes });
}

/**
 * As root, apt fetches as the user _apt where that user can write; root's rights are not for network data. The files in
 * the folder apt gives to that user itself, also those of a download that was killed as it published.
 */
async function giveToSandbox(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const users = await readFile('/etc/passwd', 'utf8');
  const uid = /^_apt:[^:]*:(\d+):/m.exec(users)?.[1];
  if (uid !== undefined) await chown(folder, Number(uid), 0);
}

/** apt only links to what a file: address names; copy: makes a file of its own. */
function fetchable(uri: string): string {
  return uri.replace(/^file:/, 'copy:');
}

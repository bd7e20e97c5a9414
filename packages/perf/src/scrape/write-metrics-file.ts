import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { formatMetrics } from '../exposition/format-metrics.ts';
import { MetricsCancelledError, MetricsError, MetricsFileError } from '../metrics/errors.ts';
import type { MetricSource } from '../metrics/source.ts';
import type { WaitOptions } from '../metrics/wait-until.ts';

export interface WriteMetricsFileOptions extends WaitOptions {
  /** Time for the collectors, in ms; default 5000. Writing itself is not cut short. */
  readonly timeoutMs?: number | undefined;
}

/** The collector of node_exporter runs as a user of its own, so that everybody may read the file. */
const MODE = 0o644;

/**
 * Scrapes and replaces a file for node_exporter's textfile collector, in Prometheus text 0.0.4 (which is the only
 * format it reads). A reader sees the old content or the new, also after a crash: a temporary file in the same
 * folder is written, fsynced and renamed over `path`, and the folder is fsynced. The mode is 0644 whatever the
 * umask. The temporary file's name does not end in `.prom`, so that the collector does not read it; on failure it
 * is removed, a killed process leaves it. Where `path` is a symbolic link, the link is replaced and not what it leads
 * to.
 *
 * Two writers at once: one content wins whole.
 *
 * @param path ends in `.prom`, which the collector looks for; its folder exists
 * @throws MetricsFileError, MetricsTimeoutError, MetricsCancelledError
 */
export async function writeMetricsFile(
  source: MetricSource,
  path: string,
  options: WriteMetricsFileOptions = {},
): Promise<void> {
  const { timeoutMs = 5000, signal } = options;
  if (!path.endsWith('.prom')) {
    throw new MetricsFileError(path, {
      reason: 'the textfile collector reads names that end in .prom only.',
    });
  }
  const text = formatMetrics(await source.collect({ timeoutMs, signal }), 'prometheus');
  try {
    await replaceFile(resolve(path), text, signal);
  } catch (error) {
    if (error instanceof MetricsError) throw error;
    const errno = errnoOf(error);
    const reason = `${adviceFor(errno)} The old file is as it was.`;
    throw new MetricsFileError(path, { errno, reason, cause: error });
  }
  try {
    await flushFolder(dirname(resolve(path)));
  } catch (error) {
    const errno = errnoOf(error);
    const reason = `its folder was not flushed (${errno ?? 'unknown'}): after a crash the old file may be back.`;
    throw new MetricsFileError(path, { errno, reason, cause: error, replaced: true });
  }
}

async function replaceFile(path: string, text: string, signal: AbortSignal | undefined): Promise<void> {
  const folder = dirname(path);
  const temp = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(8).toString('hex')}.tmp`);
  try {
    const file = await open(temp, 'wx', MODE);
    try {
      await file.chmod(MODE);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // The last moment at which nothing has changed yet.
    if (signal?.aborted === true) throw new MetricsCancelledError(`Writing ${path}`, signal.reason);
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

async function flushFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function adviceFor(errno: string | undefined): string {
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'its folder does not exist. Make it first.';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'the folder cannot be written. Give its right to this user, or choose another.';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'there is no space. Free some.';
    case 'EISDIR':
      return 'it is a folder. Give the path of a file.';
    default:
      return `the system says ${errno ?? 'nothing more'}.`;
  }
}

import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushFile, FlushNoSpaceError, type FlushReport } from '@osforge/flush';
import { ProgramFailedError, run } from '@osforge/process';
import { DiskFullError, QemuImgOutputError } from '../errors.ts';

/** What `qemu-img` calls the formats that this package handles. */
export type ImageFormat = 'raw' | 'qcow2' | 'vhdx';

export interface ConvertOptions {
  readonly source: string;
  readonly sourceFormat: ImageFormat;
  /** Replaced if it exists, but only by a complete image. */
  readonly target: string;
  readonly format: ImageFormat;
  /** qcow2 only: compress clusters; default true (zstd, several at once, stored in the order of completion). */
  readonly compress?: boolean;
  /** Further `-o` options, such as `{ cluster_size: '128k' }`. */
  readonly options?: Readonly<Record<string, string>>;
  /** Called with 0 … 1, never backwards. */
  readonly onProgress?: (fraction: number) => void;
  /** Default six hours. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ConvertReport {
  readonly path: string;
  readonly format: ImageFormat;
  /** Length of the new file. */
  readonly sizeBytes: number;
  readonly durationMs: number;
  readonly flush: FlushReport;
}

/** Where convertImage writes until the image is complete: for a clean-up after a SIGKILL. */
export function partialPath(target: string): string {
  return `${target}.partial`;
}

/**
 * Converts an image with `qemu-img convert`. The target appears under its name only when it is complete and
 * flushed; on any failure or cancellation the partial file is removed and an older target stays as it was.
 * Compressed qcow2 is not byte-reproducible (clusters lie in the order of completion): compare rawContentDigest.
 * @throws DiskFullError, ProgramFailedError, ProgramCancelledError, ProgramTimeoutError, ProgramMissingError
 */
export async function convertImage(options: ConvertOptions): Promise<ConvertReport> {
  const { source, sourceFormat, target, format, onProgress, timeoutMs = 6 * 3_600_000, signal } = options;
  const partial = partialPath(target);
  const started = performance.now();
  let reached = -1;
  try {
    await run(
      'qemu-img',
      ['convert', '-p', '-f', sourceFormat, '-O', format, ...formatArguments(options), source, partial],
      {
        timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        onLine: (line) => {
          const fraction = parseProgress(line);
          if (fraction === undefined || fraction <= reached) return;
          reached = fraction;
          onProgress?.(fraction);
        },
      },
    );
    signal?.throwIfAborted();
    const flush = await flushFile(partial, signal === undefined ? {} : { signal });
    await rename(partial, target);
    const sizeBytes = await syncFolder(target);
    return { path: target, format, sizeBytes, durationMs: performance.now() - started, flush };
  } catch (error) {
    await rm(partial, { force: true });
    throw isDiskFull(error) ? new DiskFullError(target, { cause: error }) : error;
  }
}

function formatArguments({ format, compress = true, options = {} }: ConvertOptions): string[] {
  const settings: Record<string, string> = {};
  if (format === 'qcow2' && compress) settings['compression_type'] = 'zstd';
  if (format === 'vhdx') settings['subformat'] = 'dynamic';
  Object.assign(settings, options);
  for (const [key, value] of Object.entries(settings)) {
    if (/[,=]/.test(key) || value.includes(','))
      throw new QemuImgOutputError(`option ${key}=${value}: qemu-img cannot take a comma here`);
  }
  const list = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return [
    ...(format === 'qcow2' && compress ? ['-c', '-W', '-m', '16'] : []),
    ...(list.length === 0 ? [] : ['-o', list.join(',')]),
  ];
}

/** `    (42.00/100%)` → 0.42 */
function parseProgress(line: string): number | undefined {
  const match = /\((\d+(?:\.\d+)?)\/100%\)/.exec(line);
  return match === null ? undefined : Math.min(1, Number(match[1]) / 100);
}

function isDiskFull(error: unknown): boolean {
  if (error instanceof FlushNoSpaceError) return true;
  return (
    error instanceof ProgramFailedError &&
    error.lastLines.some((line) => /no space left on device|disk quota exceeded/i.test(line))
  );
}

async function syncFolder(path: string): Promise<number> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  const file = await open(path, 'r');
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

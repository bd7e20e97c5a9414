import { link, mkdtemp, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { flushFile } from '@osforge/flush';
import { syncFolder } from '../block/sync-folder.ts';
import { diskPieces } from '../block/disk-pieces.ts';
import { ImageConvertError, ImageExistsError } from '../errors.ts';
import { openRaw } from '../block/reader.ts';
import { captureFfu } from '../ffu/capture-ffu.ts';
import { fittingBlockBytes } from '../ffu/capture-source.ts';
import { extractFfu } from '../ffu/extract-ffu.ts';
import { defaultBlockBytes } from '../ffu/layout.ts';
import { type DetectedFormat, detectFileFormat } from '../inspect/detect-format.ts';
import { expandToFile } from '../inspect/expand-image.ts';
import { type ImageLimits, refuseBacking, refuseLarge } from '../inspect/open-any-image.ts';
import { requireOneDisk } from '../inspect/require-one-disk.ts';
import { requireSound } from '../inspect/require-sound.ts';
import { convertImage, type ImageFormat } from '../qemu/convert.ts';
import { imageInfo } from '../qemu/info.ts';
import { openImage } from '../qemu/open-image.ts';
import { openCompressedWriter } from './compress-raw.ts';
import { type TargetFormat, targetFormat } from './target-format.ts';

export interface ConvertAnyOptions extends ImageLimits {
  readonly source: string;
  readonly target: string;
  /** Replace an existing target; default false. */
  readonly overwrite?: boolean;
  /** Default: by the target's extension. */
  readonly format?: TargetFormat;
  /** FFU only: V1_COMPRESSED with plain XPRESS in place of V1; default false. */
  readonly compress?: boolean;
  /** Which disk of an FFU, from 1; needed where it has several (V2). */
  readonly disk?: number;
  /** Called with 0 … 1, never backwards. */
  readonly onProgress?: (fraction: number) => void;
  readonly signal?: AbortSignal;
}

export interface ConvertAnyReport {
  readonly source: string;
  readonly sourceFormat: DetectedFormat;
  readonly target: string;
  readonly format: TargetFormat;
  /** Length of the new file. */
  readonly fileBytes: number;
  /** What it occupies. */
  readonly allocatedBytes: number;
}

/**
 * Converts an image of any known format into another. All work is done in a folder `.<name>.osforge-…` beside the
 * target, which is removed whatever happens (but for SIGKILL); the target appears when it is complete and flushed, and
 * without `overwrite` never in place of another file, also not of one that was made meanwhile.
 * @throws ImageConvertError, ImageDisksError, ImageExistsError, ImageForeignError, ImageBackingError, ImageLimitError, ImageDamagedError,
 * ImageExpandError, FfuFormatError, FfuUnsupportedError, FfuLimitError, FfuDigestError, FfuSourceError, DiskFullError, ProgramFailedError, the signal's reason
 */
export async function convertAny(options: ConvertAnyOptions): Promise<ConvertAnyReport> {
  const source = resolve(options.source);
  const target = resolve(options.target);
  const { overwrite = false, signal } = options;
  const format = options.format ?? targetFormat(target);
  if (options.compress === true && format !== 'ffu')
    throw new ImageConvertError(
      `${target}: compress is for FFU (.ffu), and ${format} has no choice: leave it out, or end the name in .ffu`,
    );
  const sourceFormat = await detectFileFormat(source);
  if (sourceFormat === 'qcow2') await refuseBacking(source);
  await requireOneDisk(source, sourceFormat, options);
  await checkTarget(source, target, overwrite);
  let from: Source = { path: source, format: sourceFormat };
  if (sourceFormat === 'qcow2' || sourceFormat === 'vhdx') {
    // Before all else: of a cut VHDX qemu tells nothing.
    await requireSound(source, sourceFormat, signal === undefined ? {} : { signal });
    const info = await imageInfo(source, sourceFormat, signal === undefined ? {} : { signal });
    refuseLarge(source, info.virtualSizeBytes, options);
    from = { ...from, sizeBytes: info.virtualSizeBytes };
  }
  const folder = await mkdtemp(join(dirname(target), `.${basename(target)}.osforge-`));
  try {
    const made = join(folder, 'image');
    const report = reporter(options.onProgress);
    const steps = needsRaw(sourceFormat) && format !== 'raw' ? 2 : 1;
    if (needsRaw(sourceFormat)) {
      const raw = steps === 1 ? made : join(folder, 'disk');
      await toRaw(
        source,
        sourceFormat,
        raw,
        (fraction) => {
          report(fraction / steps);
        },
        options,
      );
      from = { path: raw, format: 'raw' };
    }
    if (from.path !== made)
      await make(
        from,
        made,
        format,
        (fraction) => {
          report((steps - 1 + fraction) / steps);
        },
        options,
      );
    signal?.throwIfAborted();
    await flushFile(made, signal === undefined ? {} : { signal });
    if (overwrite) await rename(made, target);
    else await moveToFree(made, target);
    await syncFolder(dirname(target));
    report(1);
    const { size, blocks } = await stat(target);
    return {
      source: options.source,
      sourceFormat,
      target: options.target,
      format,
      fileBytes: size,
      allocatedBytes: blocks * 512,
    };
  } catch (error) {
    // Programs that were ended tell of it in their own words.
    signal?.throwIfAborted();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function needsRaw(format: DetectedFormat): format is Exclude<DetectedFormat, ImageFormat> {
  return format !== 'raw' && format !== 'qcow2' && format !== 'vhdx';
}

async function checkTarget(source: string, target: string, overwrite: boolean): Promise<void> {
  const [from, to] = await Promise.all([stat(source), stat(target).catch(() => undefined)]);
  if (!from.isFile() && !from.isBlockDevice())
    throw new ImageConvertError(`${source} is no file: name an image`);
  if (to === undefined) return;
  if (to.dev === from.dev && to.ino === from.ino)
    throw new ImageConvertError(`${target} is the source itself: name another target`);
  if (!to.isFile())
    throw new ImageConvertError(
      `${target} is no regular file: name a file (osforge flash writes to devices)`,
    );
  if (!overwrite) throw new ImageExistsError(target);
}

/** Hard-linking, unlike renaming, refuses a name that is taken. */
async function moveToFree(made: string, target: string): Promise<void> {
  try {
    await link(made, target);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') throw new ImageExistsError(target, { cause: error });
    // File systems without hard links (FAT): the check before has to do.
    await rename(made, target);
    return;
  }
  await unlink(made);
}

function reporter(onProgress: ((fraction: number) => void) | undefined): (fraction: number) => void {
  let reached = 0;
  return (fraction) => {
    if (fraction <= reached) return;
    reached = Math.min(1, fraction);
    onProgress?.(reached);
  };
}

async function toRaw(
  source: string,
  format: Exclude<DetectedFormat, ImageFormat>,
  raw: string,
  report: (fraction: number) => void,
  { signal, disk, maxExpandedBytes, maxTableBytes }: ConvertAnyOptions,
): Promise<void> {
  const shared = {
    onProgress: (done: number, total: number) => {
      report(total === 0 ? 1 : done / total);
    },
    ...(signal === undefined ? {} : { signal }),
  };
  if (format === 'ffu') {
    const limit = maxTableBytes === undefined ? {} : { maxTableBytes };
    await extractFfu({ source, target: raw, store: (disk ?? 1) - 1, ...limit, ...shared });
  } else {
    const limit = maxExpandedBytes === undefined ? {} : { maxExpandedBytes };
    await expandToFile(source, format, raw, { ...limit, ...shared });
  }
}

interface Source {
  readonly path: string;
  readonly format: DetectedFormat;
  /** Of the disk, where it is known already. */
  readonly sizeBytes?: number;
}

async function make(
  { path: source, format: sourceFormat, sizeBytes }: Source,
  made: string,
  format: TargetFormat,
  report: (fraction: number) => void,
  { signal, compress: compressBlocks = false }: ConvertAnyOptions,
): Promise<void> {
  if (needsRaw(sourceFormat)) throw new ImageConvertError(`${sourceFormat} was not expanded`);
  const signalOption = signal === undefined ? {} : { signal };
  switch (format) {
    case 'raw':
    case 'qcow2':
    case 'vhdx':
      await convertImage({ source, sourceFormat, target: made, format, onProgress: report, ...signalOption });
      return;
    case 'ffu':
      await captureFfu({
        source,
        sourceFormat,
        target: made,
        resume: false,
        compress: compressBlocks,
        blockBytes: fittingBlockBytes(sizeBytes ?? (await rawSize(source)), defaultBlockBytes),
        onProgress: ({ step, doneBytes, totalBytes }) => {
          const share = step === 'scan' ? 0 : step === 'write' ? 0.1 : 0.95;
          const width = step === 'scan' ? 0.1 : step === 'write' ? 0.85 : 0.05;
          report(share + (totalBytes === 0 ? width : (width * doneBytes) / totalBytes));
        },
        ...signalOption,
      });
      return;
    case 'raw.zst':
    case 'raw.gz':
      await compress(source, sourceFormat, made, format, report, signal);
  }
}

async function rawSize(path: string): Promise<number> {
  const reader = await openRaw(path);
  await reader.close();
  return reader.sizeBytes;
}

async function compress(
  source: string,
  sourceFormat: ImageFormat,
  made: string,
  format: 'raw.zst' | 'raw.gz',
  report: (fraction: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reader = await openImage(source, sourceFormat, signal === undefined ? {} : { signal });
  try {
    const writer = await openCompressedWriter(made, { format, sizeBytes: reader.sizeBytes });
    try {
      for await (const { at, bytes } of diskPieces(reader, signal)) {
        await writer.write(bytes);
        report(at / reader.sizeBytes);
      }
      await writer.end();
    } catch (error) {
      await writer.destroy();
      throw error;
    }
  } finally {
    await reader.close();
  }
}

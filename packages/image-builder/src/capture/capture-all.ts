import path from 'node:path';
import { convertImage, rawContentDigest } from '@osforge/disk-image';
import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { BuildConsistencyError } from '../errors.ts';
import { recordedNumber } from '../phases/artifacts.ts';
import type { CaptureFormat } from '../recipe/recipe.ts';
import type { FfuWork } from './ffu-work.ts';
import { captureFfuImage } from './ffu.ts';
import { capturedFile, type CapturedFile } from './manifest.ts';
import { captureRawZst } from './raw-zst.ts';
import { tellFlush } from './tell-flush.ts';

export interface CapturedImages {
  readonly images: CapturedFile[];
  /** SHA-256 of the raw disk. */
  readonly contentSha256: string;
}

/** What one pass over the disk has given. */
interface Pass {
  readonly images: CapturedFile[];
  readonly contentSha256?: string;
}

/**
 * All formats at once, and the digest of the disk where none of them gives it: each reads the disk for itself, and what
 * one has read is in memory for the others (docs/decisions/0019).
 */
export async function captureAll(
  environment: BuildEnvironment,
  context: PhaseContext,
  raw: string,
  staging: string,
  ffu: FfuWork | undefined,
): Promise<CapturedImages> {
  const { formats } = environment.recipe.capture;
  // Where one fails the others end too: none may write on when the phase is over.
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const fractions = new Map<string, number>();
  const passes = formats.map((format) => {
    const onProgress = (fraction: number): void => {
      fractions.set(format, fraction);
      const sum = [...fractions.values()].reduce((total, value) => total + value, 0);
      const name = `${environment.recipe.name}.${format}`;
      context.progress(0.3 + (0.6 * sum) / formats.length, `making ${name}`);
    };
    return captureFormat(environment, context, { raw, staging, ffu, format, signal, onProgress });
  });
  if (!formats.includes('raw.zst')) passes.push(digestPass(raw, signal));
  let failure: { error: unknown } | undefined;
  for (const pass of passes)
    pass.catch((error: unknown) => {
      failure ??= { error };
      stop.abort();
    });
  const settled = await Promise.allSettled(passes);
  if (failure !== undefined) throw failure.error;
  const done = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const contentSha256 = done.find((one) => one.contentSha256 !== undefined)?.contentSha256;
  if (contentSha256 === undefined)
    throw new BuildConsistencyError('the disk was captured without its digest');
  return { images: done.flatMap(({ images }) => images), contentSha256 };
}

async function digestPass(raw: string, signal: AbortSignal): Promise<Pass> {
  return { images: [], contentSha256: await rawContentDigest(raw, 'raw', { signal }) };
}

interface FormatRequest {
  readonly raw: string;
  readonly staging: string;
  readonly ffu: FfuWork | undefined;
  readonly format: CaptureFormat;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
}

async function captureFormat(
  environment: BuildEnvironment,
  context: PhaseContext,
  { raw, staging, ffu, format, signal, onProgress }: FormatRequest,
): Promise<Pass> {
  const { recipe } = environment;
  switch (format) {
    case 'raw.zst': {
      const { files, contentSha256, flush } = await captureRawZst({
        raw,
        folder: staging,
        name: recipe.name,
        signal,
        onProgress,
      });
      tellFlush(environment, format, flush);
      return { images: [...files], contentSha256 };
    }
    case 'ffu': {
      if (ffu === undefined) throw new BuildConsistencyError('an FFU is made where none was asked for');
      const { file, flush } = await captureFfuImage({
        raw,
        target: ffu.target,
        description: recipe.name,
        compress: recipe.capture.ffu?.compress ?? false,
        sourceDateEpoch: recordedNumber(context.upstream('preflight'), 'sourceDateEpoch'),
        signal,
        onProgress,
        log: context.log,
      });
      if (flush !== undefined) tellFlush(environment, format, flush);
      return { images: [file] };
    }
    case 'qcow2':
    case 'vhdx': {
      const target = path.join(staging, `${recipe.name}.${format}`);
      const { flush } = await convertImage({
        source: raw,
        sourceFormat: 'raw',
        target,
        format,
        signal,
        onProgress,
      });
      tellFlush(environment, format, flush);
      return { images: [await capturedFile(target, signal)] };
    }
  }
}

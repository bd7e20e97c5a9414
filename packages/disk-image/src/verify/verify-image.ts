import { resolve } from 'node:path';
import { hashFile } from '@osforge/flush';
import { type DetectedFormat, tellFile } from '../inspect/detect-format.ts';
import type { ForeignFile, ForeignFormat } from '../inspect/foreign-file.ts';
import { openAnyImage, type OpenAnyOptions } from '../inspect/open-any-image.ts';
import { readVerificationKey } from '../signature/minisign.ts';
import { checkContent } from './check-content.ts';
import { checkFormat } from './check-format.ts';
import { checkPromises } from './check-promises.ts';
import { checkSignature } from './check-signature.ts';
import { checkTables } from './check-tables.ts';
import { type PromisedDisk, readPromises } from './checksum-lists.ts';
import { guarded, type VerifyCheck } from './verify-check.ts';

export interface VerifyImageReport {
  /** No check failed, and one could be made: of a file that nothing is known of nothing holds. */
  readonly ok: boolean;
  readonly path: string;
  /** Of an archive, or an image of a kind that is not read here, its own: only the lists beside it can say something. */
  readonly format: DetectedFormat | ForeignFormat;
  readonly checks: readonly VerifyCheck[];
}

export interface VerifyImageOptions extends Omit<OpenAnyOptions, 'format' | 'disk'> {
  /** A public key of minisign, as text: `SHA256SUMS.minisig` must be its signature, and SHA256SUMS name the image. */
  readonly publicKey?: string;
}

/**
 * Holds an image against `SHA256SUMS` and `manifest.json` beside it, and against itself: the format's own digests and
 * tables, both copies of the GPT with their CRCs, the checksum of ext4 superblocks. Damage is a check that failed.
 * @throws only where the file cannot be read at all, when cancelled, or SignatureError where `publicKey` is none
 */
export async function verifyImage(
  path: string,
  options: VerifyImageOptions = {},
): Promise<VerifyImageReport> {
  const file = resolve(path);
  const key = options.publicKey === undefined ? undefined : readVerificationKey(options.publicKey);
  const found = await tellFile(file);
  const promises = await readPromises(file);
  options.signal?.throwIfAborted();
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const inner = { ...options, signal };
  const fileSha256 =
    promises.file.length > 0 ? hashFile(file, { signal }).then(({ sha256 }) => sha256) : undefined;
  // Handled by who waits for it; until then a failure must not count as unhandled.
  fileSha256?.catch(() => undefined);
  // Each reads the file from its beginning, and at the same time: what one has read the others find in memory.
  const steps = [
    checkPromises(file, promises, fileSha256),
    key === undefined ? Promise.resolve([]) : checkSignature(file, promises.file, key),
    ...(typeof found === 'string'
      ? [
          guarded(found, async (add) => {
            const own = await checkFormat(file, found, inner);
            if (own !== undefined) add(own);
          }),
          checkDisk(file, found, inner, promises.disk, fileSha256),
        ]
      : [Promise.resolve([foreign(found)])]),
  ];
  const checks = (await allOrStop(steps, stop)).flat();
  const isFound = (wanted: VerifyCheck['status']): boolean => checks.some(({ status }) => status === wanted);
  return {
    ok: isFound('ok') && !isFound('failed'),
    path,
    format: typeof found === 'string' ? found : found.format,
    checks,
  };
}

/** Where one fails the others are stopped, and none is left behind that still reads. */
async function allOrStop(
  steps: readonly Promise<VerifyCheck | VerifyCheck[]>[],
  stop: AbortController,
): Promise<(VerifyCheck | VerifyCheck[])[]> {
  try {
    return await Promise.all(steps);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(steps);
    throw error;
  }
}

/** A download can be what was promised and yet no disk image. */
function foreign({ format, what, remedy }: ForeignFile): VerifyCheck {
  const detail = `it is ${what}, and what is in it was not looked at: ${remedy}`;
  return { name: format, status: 'note', detail };
}

async function checkDisk(
  file: string,
  format: DetectedFormat,
  options: VerifyImageOptions,
  promised: PromisedDisk | undefined,
  fileSha256: Promise<string> | undefined,
): Promise<VerifyCheck[]> {
  return guarded('disk', async (add) => {
    const image = await openAnyImage(file, { ...options, format });
    try {
      if (format.startsWith('raw.')) add({ name: format, status: 'ok', detail: 'it expands to its end' });
      const disks = image.stores?.length ?? 1;
      if (disks > 1) {
        const detail = `it holds ${disks} disks; the tables and file systems of the first alone are looked at`;
        add({ name: format, status: 'note', detail });
      }
      add(...(await checkTables(image.reader)));
      // Of a raw image the file is the disk: it need not be read twice.
      const known = format === 'raw' ? await fileSha256 : undefined;
      if (promised !== undefined) add(await checkContent(image.reader, promised, known, options.signal));
    } finally {
      await image.close();
    }
  });
}

import { ProgramFailedError } from '@osforge/process';
import { ImageDamagedError } from '../errors.ts';
import type { OpenFfuOptions } from '../ffu/open-ffu.ts';
import { verifyFfu } from '../ffu/verify-ffu.ts';
import { checkImage } from '../qemu/info.ts';
import type { DetectedFormat } from './detect-format.ts';

/** Bytes of metadata of a large image take their time. */
const checkTimeoutMs = 3_600_000;

/**
 * Refuses an image that its own tables say is damaged or cut. qemu reads what lies behind the end of a cut file as zeros,
 * without a word, and reading a block of an FFU does not compare it with its digest: an FFU is read
 * whole here. Raw disks say nothing of themselves, and compressed files are checked when they are expanded.
 * @throws ImageDamagedError; FfuFormatError, FfuUnsupportedError, FfuLimitError where an FFU cannot even be opened
 */
export async function requireSound(
  path: string,
  format: DetectedFormat,
  { maxTableBytes, signal }: Pick<OpenFfuOptions, 'maxTableBytes' | 'signal'> = {},
): Promise<void> {
  const signalOption = signal === undefined ? {} : { signal };
  if (format === 'ffu') {
    const limit = maxTableBytes === undefined ? {} : { maxTableBytes };
    const { ok, damage, damageCount, digests } = await verifyFfu(path, { ...limit, ...signalOption });
    if (ok) return;
    const [first] = damage;
    throw new ImageDamagedError(
      path,
      first === undefined
        ? 'its hash table is not what its catalog says'
        : `${damageCount} of ${digests} chunks are not what their digests say, the first at byte ${first.offsetBytes}`,
    );
  }
  if (format !== 'qcow2' && format !== 'vhdx') return;
  const { corruptions, checkErrors } = await checkImage(path, format, {
    timeoutMs: checkTimeoutMs,
    ...signalOption,
  }).catch((error: unknown) => {
    if (!(error instanceof ProgramFailedError)) throw error;
    throw new ImageDamagedError(path, `qemu-img check: ${error.lastLines.join(' ')}`, { cause: error });
  });
  // Leaked clusters waste space; the disk itself is right.
  if (corruptions + checkErrors > 0)
    throw new ImageDamagedError(path, `qemu-img check: ${corruptions} corruptions, ${checkErrors} errors`);
}

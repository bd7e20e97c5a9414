import type { OpenFfuOptions } from '../ffu/open-ffu.ts';
import { verifyFfu, type VerifyFfuOptions } from '../ffu/verify-ffu.ts';
import type { DetectedFormat } from '../inspect/detect-format.ts';
import { refuseBacking } from '../inspect/open-any-image.ts';
import { checkImage } from '../qemu/info.ts';
import type { VerifyCheck } from './verify-check.ts';

/** Holds an image against its own digests and tables; undefined where its format has none. */
export async function checkFormat(
  file: string,
  format: DetectedFormat,
  { maxTableBytes, signal }: Pick<OpenFfuOptions, 'maxTableBytes' | 'signal'>,
): Promise<VerifyCheck | undefined> {
  const signalOption = signal === undefined ? {} : { signal };
  const limit = maxTableBytes === undefined ? {} : { maxTableBytes };
  if (format === 'ffu') return { name: format, ...(await checkFfu(file, { ...limit, ...signalOption })) };
  if (format !== 'qcow2' && format !== 'vhdx') return undefined;
  if (format === 'qcow2') await refuseBacking(file);
  return { name: format, ...(await checkByQemu(file, format, signalOption)) };
}

type Finding = Omit<VerifyCheck, 'name'>;

async function checkFfu(file: string, options: VerifyFfuOptions): Promise<Finding> {
  const report = await verifyFfu(file, options);
  const { damage, damageCount, digests, expectedDigests } = report;
  const [first] = damage;
  if (first !== undefined)
    return {
      status: 'failed',
      detail: `${damageCount} of ${digests} chunks are damaged, the first at byte ${first.offsetBytes} of the file (${first.reason ?? 'its digest differs'})`,
    };
  if (report.ok) return { status: 'ok', detail: `all ${digests} digests of the hash table` };
  const detail =
    digests === expectedDigests
      ? 'the digest in the catalog is not that of the hash table'
      : `the hash table has ${digests} digests, but ${expectedDigests} are needed`;
  return { status: 'failed', detail };
}

async function checkByQemu(
  file: string,
  format: 'qcow2' | 'vhdx',
  signalOption: { readonly signal?: AbortSignal },
): Promise<Finding> {
  const check = await checkImage(file, format, { timeoutMs: 3_600_000, ...signalOption });
  const { ok, corruptions, leaks, checkErrors } = check;
  if (ok) return { status: 'ok', detail: 'qemu-img check finds nothing' };
  return {
    // Leaked clusters waste space; the disk itself is right.
    status: corruptions + checkErrors === 0 ? 'note' : 'failed',
    detail: `qemu-img check finds ${corruptions} corruptions, ${leaks} leaked clusters, ${checkErrors} errors`,
  };
}

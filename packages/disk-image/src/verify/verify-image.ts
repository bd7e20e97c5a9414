import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { hashFile } from '@osforge/flush';
import { ProgramFailedError } from '@osforge/process';
import { contentDigest } from '../block/digest.ts';
import type { BlockReader } from '../block/reader.ts';
import { ImageForeignError, isImageFormatError, NbdError, SignatureError } from '../errors.ts';
import { verifyFfu } from '../ffu/verify-ffu.ts';
import { type DetectedFormat, tellFile } from '../inspect/detect-format.ts';
import { readFileSystem } from '../inspect/file-system.ts';
import type { ForeignFormat } from '../inspect/foreign-file.ts';
import { openAnyImage, type OpenAnyOptions, refuseBacking } from '../inspect/open-any-image.ts';
import { readTable } from '../inspect/partition-table.ts';
import { checkImage } from '../qemu/info.ts';
import { readVerificationKey, verifyMinisign } from '../signature/minisign.ts';
import { fromSums, readPromises } from './checksum-lists.ts';

/** One thing that was looked at. A `note` is worth knowing and no failure. */
export interface VerifyCheck {
  readonly name: string;
  readonly status: 'ok' | 'failed' | 'note';
  /** What was found, with the place where it does not hold. */
  readonly detail: string;
}

export interface VerifyImageReport {
  /** No check failed, and one could be made: of a file that nothing is known of nothing holds. */
  readonly ok: boolean;
  readonly path: string;
  /** Of an archive, or an image of a kind that is not read here, its own: only the lists beside it can say something. */
  readonly format: DetectedFormat | ForeignFormat;
  readonly checks: readonly VerifyCheck[];
}

export interface VerifyImageOptions extends Omit<OpenAnyOptions, 'format'> {
  /** A public key of minisign, as text: `SHA256SUMS.minisig` must be its signature, and SHA256SUMS name the image. */
  readonly publicKey?: string;
}

/**
 * Holds an image against `SHA256SUMS` and `manifest.json` beside it, and against itself: the format's own digests and
 * tables, both copies of the GPT with their CRCs, the checksum of ext4 superblocks. Damage is a check that failed.
 * @throws only where the file cannot be read at all, or when cancelled
 */
export async function verifyImage(
  path: string,
  options: VerifyImageOptions = {},
): Promise<VerifyImageReport> {
  const file = resolve(path);
  const found = await tellFile(file);
  const checks: VerifyCheck[] = [];
  const promises = await readPromises(file);
  for (const remark of promises.remarks) checks.push({ name: 'checksums', status: 'note', detail: remark });
  let fileSha256: string | undefined;
  if (promises.file.length > 0) {
    const { size } = await stat(file);
    const signalOption = options.signal === undefined ? {} : { signal: options.signal };
    fileSha256 = (await hashFile(file, signalOption)).sha256;
    checks.push(...checkFile(promises.file, size, fileSha256));
  } else checks.push({ name: 'checksums', status: 'note', detail: 'no list beside the image names it' });
  if (options.publicKey !== undefined)
    checks.push(await checkSignature(file, promises.file, options.publicKey));
  const report = (format: VerifyImageReport['format']): VerifyImageReport => {
    const isFound = (wanted: VerifyCheck['status']): boolean =>
      checks.some(({ status }) => status === wanted);
    return { ok: isFound('ok') && !isFound('failed'), path, format, checks };
  };
  if (typeof found !== 'string') {
    // A download can be what was promised and yet no disk image.
    const detail = `it is ${found.what}, and what is in it was not looked at: ${found.remedy}`;
    checks.push({ name: found.format, status: 'note', detail });
    return report(found.format);
  }
  const format = found;
  const guarded = async (name: string, check: () => Promise<void>): Promise<void> => {
    try {
      await check();
    } catch (error) {
      if (error instanceof ImageForeignError) {
        checks.push({ name: error.format, status: 'note', detail: error.message });
        return;
      }
      if (!isDamage(error)) throw error;
      checks.push({ name, status: 'failed', detail: error.message });
    }
  };
  await guarded(format, async () => {
    const own = await checkFormat(file, format, options);
    if (own !== undefined) checks.push(own);
  });
  await guarded('disk', async () => {
    const image = await openAnyImage(file, { ...options, format });
    try {
      if (format.startsWith('raw.'))
        checks.push({ name: format, status: 'ok', detail: 'it expands to its end' });
      const disks = image.stores?.length ?? 1;
      if (disks > 1) {
        const detail = `it holds ${disks} disks; the tables and file systems of the first alone are looked at`;
        checks.push({ name: format, status: 'note', detail });
      }
      checks.push(...(await checkDisk(image.reader)));
      const { disk } = promises;
      // Of a raw image the file is the disk: it need not be read twice.
      const known = format === 'raw' ? fileSha256 : undefined;
      if (disk !== undefined) checks.push(await checkContent(image.reader, disk, known, options.signal));
    } finally {
      await image.close();
    }
  });
  return report(format);
}

function isDamage(error: unknown): error is Error {
  return isImageFormatError(error) || error instanceof NbdError || error instanceof ProgramFailedError;
}

function checkFile(
  promised: Awaited<ReturnType<typeof readPromises>>['file'],
  size: number,
  sha256: string,
): VerifyCheck[] {
  return promised.map((promise): VerifyCheck => {
    const { source } = promise;
    if (promise.sizeBytes !== undefined && promise.sizeBytes !== size)
      return {
        name: 'checksums',
        status: 'failed',
        detail: `${source} says ${promise.sizeBytes} bytes, but the file has ${size}`,
      };
    return promise.sha256 === sha256
      ? { name: 'checksums', status: 'ok', detail: `SHA-256 as in ${source}` }
      : {
          name: 'checksums',
          status: 'failed',
          detail: `${source} says SHA-256 ${promise.sha256}, but the file has ${sha256}`,
        };
  });
}

/** A file that is not signed is a failure for whoever has a key. */
async function checkSignature(
  file: string,
  promised: Awaited<ReturnType<typeof readPromises>>['file'],
  publicKey: string,
): Promise<VerifyCheck> {
  const name = 'signature';
  const key = readVerificationKey(publicKey);
  const sums = join(dirname(file), 'SHA256SUMS');
  const list = promised.find(({ source }) => source === sums);
  if (list === undefined)
    return { name, status: 'failed', detail: `${sums} does not name the image: nothing vouches for it` };
  try {
    const [content, signature] = [await readFile(sums), await readFile(`${sums}.minisig`, 'utf8')];
    // What was compared with the image must be what is signed.
    if (fromSums(content.toString('utf8'), basename(file)) !== list.sha256)
      return { name, status: 'failed', detail: `${sums} was changed meanwhile` };
    const comment = verifyMinisign(content, signature, key);
    return { name, status: 'ok', detail: `${sums}.minisig: ${comment}` };
  } catch (error) {
    if (error instanceof SignatureError)
      return { name, status: 'failed', detail: `${sums}.minisig: ${error.message}` };
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!missing) throw error;
    return { name, status: 'failed', detail: `there is no ${sums}.minisig` };
  }
}

async function checkFormat(
  file: string,
  format: DetectedFormat,
  { signal }: VerifyImageOptions,
): Promise<VerifyCheck | undefined> {
  const signalOption = signal === undefined ? {} : { signal };
  if (format === 'ffu') {
    const report = await verifyFfu(file, signalOption);
    const [first] = report.damage;
    if (first !== undefined)
      return {
        name: format,
        status: 'failed',
        detail: `${report.damageCount} of ${report.digests} chunks are damaged, the first at byte ${first.offsetBytes} of the file (${first.reason ?? 'its digest differs'})`,
      };
    if (report.ok)
      return { name: format, status: 'ok', detail: `all ${report.digests} digests of the hash table` };
    const detail =
      report.digests === report.expectedDigests
        ? 'the digest in the catalog is not that of the hash table'
        : `the hash table has ${report.digests} digests, but ${report.expectedDigests} are needed`;
    return { name: format, status: 'failed', detail };
  }
  if (format !== 'qcow2' && format !== 'vhdx') return undefined;
  if (format === 'qcow2') await refuseBacking(file);
  const check = await checkImage(file, format, { timeoutMs: 3_600_000, ...signalOption });
  const { ok, corruptions, leaks, checkErrors } = check;
  return ok
    ? { name: format, status: 'ok', detail: 'qemu-img check finds nothing' }
    : {
        name: format,
        // Leaked clusters waste space; the disk itself is right.
        status: corruptions + checkErrors === 0 ? 'note' : 'failed',
        detail: `qemu-img check finds ${corruptions} corruptions, ${leaks} leaked clusters, ${checkErrors} errors`,
      };
}

async function checkDisk(reader: BlockReader): Promise<VerifyCheck[]> {
  const { table, partitions } = await readTable(reader);
  const checks: VerifyCheck[] = [];
  if (table.kind === 'gpt')
    checks.push(
      table.problem === undefined
        ? { name: 'gpt', status: 'ok', detail: 'both copies, with their CRCs' }
        : { name: 'gpt', status: 'failed', detail: table.problem },
    );
  else if (table.problem !== undefined)
    checks.push({
      name: 'gpt',
      // A protective MBR promises a GPT.
      status: table.kind === 'mbr' ? 'failed' : 'note',
      detail: table.problem,
    });
  for (const { number, name, startBytes, sizeBytes } of partitions) {
    const label = `partition ${number}${name === '' ? '' : ` (${name})`}`;
    if (startBytes + sizeBytes > reader.sizeBytes) {
      const detail = `it reaches to byte ${startBytes + sizeBytes}, but the disk ends at ${reader.sizeBytes}`;
      checks.push({ name: label, status: 'failed', detail });
      continue;
    }
    const found = await readFileSystem(reader, startBytes, sizeBytes);
    if (found === undefined) continue;
    if (found.problem !== undefined)
      checks.push({
        name: label,
        status: 'failed',
        detail: `${found.type} at byte ${startBytes}: ${found.problem}`,
      });
    else if (found.sizeBytes !== undefined && found.sizeBytes > sizeBytes)
      checks.push({
        name: label,
        status: 'failed',
        detail: `${found.type} of ${found.sizeBytes} bytes in a partition of ${sizeBytes}`,
      });
    else if (found.dirty === true)
      checks.push({ name: label, status: 'note', detail: `${found.type} is ${found.state ?? 'dirty'}` });
    else
      checks.push({
        name: label,
        status: 'ok',
        detail: `${found.type}${found.state === undefined ? '' : `, ${found.state}`}`,
      });
  }
  return checks;
}

async function checkContent(
  reader: BlockReader,
  { source, sha256, sizeBytes }: { source: string; sha256: string; sizeBytes: number },
  known: string | undefined,
  signal: AbortSignal | undefined,
): Promise<VerifyCheck> {
  if (reader.sizeBytes !== sizeBytes)
    return {
      name: 'disk',
      status: 'failed',
      detail: `${source} says a disk of ${sizeBytes} bytes, but it has ${reader.sizeBytes}`,
    };
  const found = known ?? (await contentDigest(reader, signal === undefined ? {} : { signal }));
  return found === sha256
    ? { name: 'disk', status: 'ok', detail: `SHA-256 of the disk as in ${source}` }
    : {
        name: 'disk',
        status: 'failed',
        detail: `${source} says SHA-256 ${sha256} of the disk, but it has ${found}`,
      };
}

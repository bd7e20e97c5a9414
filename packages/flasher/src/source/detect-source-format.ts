import { open } from 'node:fs/promises';
import { type DetectedFormat, detectFormat, foreignFile, foreignHeadBytes } from '@osforge/disk-image/raw';
import { FlashSourceError } from '../errors.ts';
import type { SourceFormat } from './source.ts';

const names: Readonly<Record<DetectedFormat, SourceFormat>> = {
  raw: 'raw',
  qcow2: 'qcow2',
  vhdx: 'vhdx',
  ffu: 'ffu',
  'raw.gz': 'gzip',
  'raw.xz': 'xz',
  'raw.zst': 'zstd',
};

/**
 * The format of a file by its first bytes; everything unknown is raw.
 * @throws FlashSourceError for what is known not to be a disk image that can be read
 */
export async function detectSourceFormat(path: string): Promise<SourceFormat> {
  const head = Buffer.alloc(foreignHeadBytes);
  const file = await open(path, 'r');
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  return formatOf(head, path, path);
}

/**
 * Of a `x.tar.gz` or a `x.qcow2.zst` the bytes that come out are no disk.
 * @throws FlashSourceError
 */
export function assertDiskInside(head: Buffer, path: string): void {
  const format = formatOf(head, `what comes out of ${path}`, path);
  if (format === 'raw') return;
  const message = `what comes out of ${path} is ${format}, not a raw disk: unpack it first, and write what was in it`;
  throw new FlashSourceError(message, { path, reason: 'format' });
}

/** `what` says whose bytes these are. */
function formatOf(head: Buffer, what: string, path: string): SourceFormat {
  const format = names[detectFormat(head)];
  const foreign = format === 'raw' ? foreignFile(head) : undefined;
  if (foreign === undefined) return format;
  const message = `${what} is ${foreign.what}, not a disk image: ${foreign.remedy}`;
  throw new FlashSourceError(message, { path, reason: 'format' });
}

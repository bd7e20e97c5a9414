import { open } from 'node:fs/promises';
import type { SourceFormat } from './source.ts';

/**
 * How large the disk in a compressed file is, if its headers say so without decompressing it. gzip keeps only the
 * remainder by 4 GiB, which is worse than nothing; zstd says it where the writer knew it.
 */
export async function decompressedSize(path: string, format: SourceFormat): Promise<number | undefined> {
  if (format === 'xz') return await xzSize(path);
  if (format === 'zstd') return await zstdSize(path);
  return undefined;
}

async function xzSize(path: string): Promise<number | undefined> {
  const { run } = await import('@osforge/process');
  const { stdout } = await run('xz', ['--robot', '--list', '--', path], { timeoutMs: 60_000 });
  const totals = stdout.split('\n').find((line) => line.startsWith('totals\t'));
  const size = Number(totals?.split('\t')[4]); // xz(1), robot mode: uncompressed size
  return Number.isSafeInteger(size) ? size : undefined;
}

const zstdMagic = 0xfd2fb528;
/** Bytes of the field, by the two highest bits of the descriptor; none if 0 and not a single segment (RFC 8878, 3.1.1.1). */
const contentSizeBytes = [0, 2, 4, 8];

/** Of the first frame. A file of several frames holds more: the caller treats it as what the first one says. */
async function zstdSize(path: string): Promise<number | undefined> {
  const head = Buffer.alloc(18);
  const file = await open(path, 'r');
  try {
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    if (bytesRead < head.length || head.readUInt32LE(0) !== zstdMagic) return undefined;
  } finally {
    await file.close();
  }
  const descriptor = head.readUInt8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : (contentSizeBytes[sizeFlag] ?? 0);
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  if (sizeBytes === 0) return undefined;
  if (sizeBytes === 8) return Number(head.readBigUInt64LE(at));
  return head.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}

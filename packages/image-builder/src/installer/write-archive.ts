import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { cpioArchive, type CpioEntry } from './cpio.ts';

/** A tenth larger than by the slowest, in a fifth of the time. Its window of 4 MiB is one that every kernel takes. */
const compressionLevel = 10;

/** Writes entries as an initramfs: cpio, compressed by zstd, in one thread so that the bytes are always the same. */
export async function writeArchive(
  path: string,
  entries: readonly CpioEntry[],
  { epochSeconds, signal }: { readonly epochSeconds: number; readonly signal: AbortSignal },
): Promise<void> {
  const encoder = createZstdCompress({
    chunkSize: 256 * 1024,
    params: {
      [constants.ZSTD_c_compressionLevel]: compressionLevel,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  await pipeline(cpioArchive(entries, epochSeconds), encoder, createWriteStream(path, { mode: 0o644 }), {
    signal,
  });
}

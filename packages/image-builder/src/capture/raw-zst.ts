import { createHash } from 'node:crypto';
import path from 'node:path';
import {
  collectBmap,
  diskPieces,
  encodeBmap,
  openCompressedWriter,
  openImage,
  usedStretches,
} from '@osforge/disk-image';
import { flushFile, type FlushReport, writeFileDurable } from '@osforge/flush';
import { capturedFile, type CapturedFile } from './manifest.ts';

export interface RawZstOptions {
  /** The finished disk. */
  readonly raw: string;
  /** Where the files are made. */
  readonly folder: string;
  /** Name of the image, without an extension. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** Called with 0 … 1. */
  readonly onProgress: (fraction: number) => void;
}

export interface RawZstCapture {
  /** `<name>.raw.zst`, and `<name>.raw.bmap`, which bmaptool(1) finds by its name. */
  readonly files: readonly CapturedFile[];
  /** SHA-256 of the raw disk. */
  readonly contentSha256: string;
  readonly flush: FlushReport;
}

/** Reads the disk once: for the compressed image, for the digest of the disk, and for the block map with its digests. */
export async function captureRawZst(options: RawZstOptions): Promise<RawZstCapture> {
  const { raw, folder, name, signal, onProgress } = options;
  const image = path.join(folder, `${name}.raw.zst`);
  const map = path.join(folder, `${name}.raw.bmap`);
  const reader = await openImage(raw, 'raw', { signal });
  try {
    const hash = createHash('sha256');
    const bmap = collectBmap(await usedStretches(reader));
    const writer = await openCompressedWriter(image, { format: 'raw.zst', sizeBytes: reader.sizeBytes });
    try {
      for await (const { at, bytes } of diskPieces(reader, signal)) {
        hash.update(bytes);
        bmap.add(bytes);
        await writer.write(bytes);
        onProgress(at / reader.sizeBytes);
      }
      await writer.end();
    } catch (error) {
      await writer.destroy();
      throw error;
    }
    const flush = await flushFile(image, { signal });
    await writeFileDurable(map, encodeBmap(bmap.end()));
    onProgress(1);
    return {
      files: [await capturedFile(image, signal), await capturedFile(map, signal)],
      contentSha256: hash.digest('hex'),
      flush,
    };
  } finally {
    await reader.close();
  }
}

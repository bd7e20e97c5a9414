import type { BlockReader, Extent } from '@osforge/disk-image';
import type { SourceFormat, UnreadSource } from './source.ts';

export interface RandomAccessSourceOptions {
  readonly path: string;
  readonly format: SourceFormat;
  readonly reader: BlockReader;
  /** Instead of what the reader knows. */
  readonly extents?: readonly Extent[] | undefined;
}

/** Any disk that can be read anywhere: a raw file, or one that disk-image opens. Closes the reader at the end. */
export async function randomAccessSource(options: RandomAccessSourceOptions): Promise<UnreadSource> {
  const { path, format, reader } = options;
  const readInto = async (offset: number, buffer: Buffer): Promise<void> => {
    if (reader.readInto !== undefined) await reader.readInto(offset, buffer);
    else buffer.set(await reader.read(offset, buffer.length));
  };
  return {
    path,
    format,
    sizeBytes: reader.sizeBytes,
    extents: options.extents ?? (await reader.extents?.()),
    randomAccess: true,
    maxReaders: Number.POSITIVE_INFINITY,
    open(fromBytes) {
      let at = fromBytes;
      return Promise.resolve({
        async read(buffer) {
          const length = Math.max(0, Math.min(buffer.length, reader.sizeBytes - at));
          await readInto(at, buffer.subarray(0, length));
          at += length;
          return length;
        },
        close: () => Promise.resolve(),
      });
    },
    close: () => reader.close(),
  };
}

import type { Extent } from '@osforge/disk-image';

/** What an image is in. */
export type SourceFormat = 'raw' | 'gzip' | 'xz' | 'zstd' | 'qcow2' | 'vhdx' | 'ffu';

/** Reads an image from some byte on, to its end, once. */
export interface SourceReader {
  /** Fills the buffer as far as the image goes; fewer bytes mean its end. One call at a time. */
  read(buffer: Buffer): Promise<number>;
  /** Safe to call twice, and while a read is under way: the read then fails. */
  close(): Promise<void>;
}

/** An image that can be read several times over, in order. */
export interface ImageSource {
  readonly path: string;
  readonly format: SourceFormat;
  /** Bytes of the disk inside; undefined if that is only known at the end (gzip, and zstd without the size). */
  readonly sizeBytes: number | undefined;
  /** The sector size that the disk inside is made for; undefined if neither its partition table nor its file says so. */
  readonly sectorBytes: number | undefined;
  /** Where the image is known to be zeros without reading it; undefined if everything has to be read. */
  readonly extents: readonly Extent[] | undefined;
  /** True if a reader may start anywhere at no cost; else it decompresses everything before that byte. */
  readonly randomAccess: boolean;
  /** Most readers at once that memory allows; the window's own comes on top. */
  readonly maxReaders: number;
  open(fromBytes: number): Promise<SourceReader>;
  close(): Promise<void>;
}

/** An image whose beginning nobody has looked at yet. */
export type UnreadSource = Omit<ImageSource, 'sectorBytes'>;

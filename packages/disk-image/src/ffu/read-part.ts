import type { BlockReader } from '../block/reader.ts';
import { FfuFormatError, FfuLimitError, type FfuPart } from '../errors.ts';

/** Bytes of a file that must be there. */
export async function readPart(
  reader: BlockReader,
  part: FfuPart,
  offset: number,
  length: number,
): Promise<Buffer> {
  if (offset + length > reader.sizeBytes)
    throw new FfuFormatError(
      part,
      offset,
      `${length} bytes are needed, but the file ends at byte ${reader.sizeBytes}: it is truncated`,
    );
  const bytes = await reader.read(offset, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Throws FfuLimitError unless tables of so many bytes are allowed. */
export function checkTableBytes(bytes: number, maxTableBytes: number): void {
  if (!(bytes <= maxTableBytes))
    throw new FfuLimitError('maxTableBytes', `the block map of this FFU needs ${bytes} bytes`);
}

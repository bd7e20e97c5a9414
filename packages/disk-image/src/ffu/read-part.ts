import type { BlockReader } from '../block/reader.ts';
import { FfuFormatError, FfuLimitError, type FfuPart } from '../errors.ts';

/** Bytes of a file that must be there; in `memory`, if that is given. */
export async function readPart(
  reader: BlockReader,
  part: FfuPart,
  offset: number,
  length: number,
  memory?: Uint8Array,
): Promise<Buffer> {
  if (offset + length > reader.sizeBytes)
    throw new FfuFormatError(
      part,
      offset,
      `${length} bytes are needed, but the file ends at byte ${reader.sizeBytes}: it is truncated`,
    );
  let bytes = memory?.subarray(0, length);
  if (bytes === undefined || reader.readInto === undefined) bytes = await reader.read(offset, length);
  else await reader.readInto(offset, bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Throws FfuLimitError unless tables of so many bytes are allowed. */
export function checkTableBytes(bytes: number, maxTableBytes: number): void {
  if (!(bytes <= maxTableBytes))
    throw new FfuLimitError('maxTableBytes', `the block map of this FFU needs ${bytes} bytes`);
}

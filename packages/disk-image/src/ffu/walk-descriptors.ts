import type { BlockReader } from '../block/reader.ts';
import { FfuFormatError } from '../errors.ts';

/** What is told of each descriptor, in the file's order. */
export interface DescriptorVisitor {
  descriptor(ordinal: number, locationCount: number, blockCount: number, dataBytes: number, at: number): void;
  location(method: number, blockIndex: number, at: number): void;
}

export interface DescriptorTable {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly count: number;
  /** Descriptors of compressed files have the length of their data. */
  readonly withDataBytes: boolean;
}

const windowBytes = 256 * 1024;
const locationBytes = 8;

/**
 * Reads the write descriptors through a window, whatever their number.
 * @throws FfuFormatError if length and count do not agree
 */
export async function walkDescriptors(
  reader: BlockReader,
  table: DescriptorTable,
  visitor: DescriptorVisitor,
  signal?: AbortSignal,
): Promise<void> {
  const headBytes = table.withDataBytes ? 12 : 8;
  const end = table.offsetBytes + table.lengthBytes;
  let ordinal = 0;
  let locationsLeft = 0;
  // One for all: a large table would leave hundreds behind, which are collected late.
  const memory = new Uint8Array(Math.min(windowBytes, table.lengthBytes));
  for (let at = table.offsetBytes; at < end;) {
    signal?.throwIfAborted();
    const length = Math.min(windowBytes, end - at);
    const bytes = memory.subarray(0, length);
    if (reader.readInto === undefined) bytes.set(await reader.read(at, length));
    else await reader.readInto(at, bytes);
    const window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let position = 0;
    for (;;) {
      const need = locationsLeft > 0 ? locationBytes : headBytes;
      if (position + need > length) break;
      if (locationsLeft > 0) {
        visitor.location(window.readUInt32LE(position), window.readUInt32LE(position + 4), at + position);
        locationsLeft -= 1;
      } else {
        if (ordinal >= table.count)
          throw new FfuFormatError(
            'write descriptors',
            at + position,
            `bytes are left behind the last of ${table.count} descriptors`,
          );
        locationsLeft = window.readUInt32LE(position);
        if (locationsLeft * locationBytes > end - (at + position + headBytes))
          throw new FfuFormatError(
            'write descriptors',
            at + position,
            `descriptor ${ordinal} has ${locationsLeft} locations, more than the table has room for`,
          );
        visitor.descriptor(
          ordinal,
          locationsLeft,
          window.readUInt32LE(position + 4),
          table.withDataBytes ? window.readUInt32LE(position + 8) : 0,
          at + position,
        );
        ordinal += 1;
      }
      position += need;
    }
    if (position === 0)
      throw new FfuFormatError('write descriptors', at, `the table ends inside descriptor ${ordinal}`);
    at += position;
  }
  if (ordinal !== table.count || locationsLeft > 0)
    throw new FfuFormatError(
      'write descriptors',
      end,
      `${table.count} descriptors are announced, but the table of ${table.lengthBytes} bytes ends after ${ordinal}`,
    );
}

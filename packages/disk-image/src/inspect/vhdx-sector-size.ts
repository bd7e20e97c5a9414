import { openRaw } from '../block/reader.ts';
import { guidFromBytes } from '../gpt/guid.ts';

const regionTables = [192 * 1024, 256 * 1024];
const metadataRegion = '8b7ca206-4790-4b9a-b8fe-575f050f886e';
const logicalSectorSize = '8141bf1d-a96f-4709-ba47-f233a8faab5f';
const maxEntries = 2047;

/** The logical sector size in a VHDX' metadata ([MS-VHDX] 2.2.3, 2.6.2.4); undefined where none is found. */
export async function vhdxSectorSize(path: string): Promise<number | undefined> {
  const file = await openRaw(path);
  try {
    const read = async (offset: number, length: number): Promise<Buffer | undefined> =>
      offset >= 0 && offset + length <= file.sizeBytes
        ? Buffer.from(await file.read(offset, length))
        : undefined;
    for (const at of regionTables) {
      const regions = await read(at, 65_536);
      if (regions?.toString('latin1', 0, 4) !== 'regi') continue;
      const count = Math.min(regions.readUInt32LE(8), maxEntries);
      for (let index = 0; index < count && 48 + 32 * index <= regions.length; index += 1) {
        const entry = regions.subarray(16 + 32 * index, 48 + 32 * index);
        if (guidFromBytes(entry.subarray(0, 16)) !== metadataRegion) continue;
        const size = await fromMetadata(Number(entry.readBigUInt64LE(16)), read);
        if (size !== undefined) return size;
      }
    }
    return undefined;
  } finally {
    await file.close();
  }
}

async function fromMetadata(
  offset: number,
  read: (offset: number, length: number) => Promise<Buffer | undefined>,
): Promise<number | undefined> {
  if (!Number.isSafeInteger(offset)) return undefined;
  const table = await read(offset, 65_536);
  if (table?.toString('latin1', 0, 8) !== 'metadata') return undefined;
  const count = Math.min(table.readUInt16LE(10), maxEntries);
  for (let index = 0; index < count && 64 + 32 * index <= table.length; index += 1) {
    const entry = table.subarray(32 + 32 * index, 64 + 32 * index);
    if (guidFromBytes(entry.subarray(0, 16)) !== logicalSectorSize) continue;
    return (await read(offset + entry.readUInt32LE(16), 4))?.readUInt32LE(0);
  }
  return undefined;
}

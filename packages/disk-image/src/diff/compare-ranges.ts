import type { BlockReader } from '../block/reader.ts';

const pieceBytes = 1024 * 1024;

export interface RangeComparison {
  readonly equal: boolean;
  /** Byte of the range; undefined where they are equal, and where only the length differs. */
  readonly firstDifferenceAt?: number;
}

/** Compares a stretch of two disks; what both know to be zero is not read. */
export async function compareRanges(
  a: { reader: BlockReader; startBytes: number },
  b: { reader: BlockReader; startBytes: number },
  lengthBytes: number,
  signal?: AbortSignal,
): Promise<RangeComparison> {
  const zeroA = await zeroTest(a.reader);
  const zeroB = await zeroTest(b.reader);
  for (let at = 0; at < lengthBytes; at += pieceBytes) {
    signal?.throwIfAborted();
    const length = Math.min(pieceBytes, lengthBytes - at);
    if (zeroA(a.startBytes + at, length) && zeroB(b.startBytes + at, length)) continue;
    const [left, right] = await Promise.all([
      a.reader.read(a.startBytes + at, length),
      b.reader.read(b.startBytes + at, length),
    ]);
    if (Buffer.compare(left, right) === 0) continue;
    const inside = left.findIndex((byte, index) => byte !== right[index]);
    return { equal: false, firstDifferenceAt: at + inside };
  }
  return { equal: true };
}

type ZeroTest = (start: number, length: number) => boolean;

/** Asked in rising order, which makes it one walk over the extents. */
async function zeroTest(reader: BlockReader): Promise<ZeroTest> {
  const extents = await reader.extents?.();
  if (extents === undefined) return () => false;
  let index = 0;
  return (start, length) => {
    for (;;) {
      const extent = extents[index];
      if (extent === undefined) return false;
      const end = extent.startBytes + extent.lengthBytes;
      if (start >= end) index += 1;
      else if (!extent.zero) return false;
      else if (start + length <= end) return true;
      else if (extents[index + 1]?.zero === true) index += 1;
      else return false;
    }
  };
}

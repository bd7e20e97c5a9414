import { FatFormatError } from '../errors.ts';
import type { FatVolume } from './volume.ts';

const pieceBytes = 1024 * 1024;

/**
 * The first `lengthBytes` bytes of a chain of clusters, in pieces; undefined: all of it, up to `maxBytes`. The length ends a
 * chain that is a loop, so callers have a budget for it.
 * @throws FatFormatError where it ends before, or does not end
 */
export async function* chainPieces(
  volume: FatVolume,
  first: number,
  lengthBytes: number | undefined,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const { clusterSizeBytes } = volume;
  const wanted = lengthBytes ?? maxBytes;
  let left = wanted;
  let cluster: number | undefined = first;
  while (left > 0) {
    if (cluster === undefined) {
      if (lengthBytes === undefined) return;
      throw new FatFormatError(
        `the chain at cluster ${first} has ${wanted - left} of the ${lengthBytes} bytes that its folder says`,
      );
    }
    const start: number = cluster;
    let run = 1;
    cluster = await volume.next(start);
    // Neighbours are read at once.
    while (cluster === start + run && run * clusterSizeBytes < Math.min(left, pieceBytes)) {
      cluster = await volume.next(cluster);
      run += 1;
    }
    const length = Math.min(left, run * clusterSizeBytes);
    yield await volume.read(volume.clusterOffset(start), length);
    left -= length;
  }
  if (lengthBytes === undefined && cluster !== undefined)
    throw new FatFormatError(`the chain at cluster ${first} has more than ${maxBytes} bytes`);
}

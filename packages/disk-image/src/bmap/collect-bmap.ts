import { createHash, type Hash } from 'node:crypto';
import { dataRuns } from '../block/data-runs.ts';
import { diskPieces } from '../block/disk-pieces.ts';
import type { BlockReader } from '../block/reader.ts';
import type { Bmap, BmapRange } from './bmap.ts';
import { type Stretch, usedStretches } from './used-stretches.ts';

const blockBytes = 4096;

/** Makes a bmap of a disk that passes by, so that others can read along. */
export interface BmapCollector {
  /** The next bytes of the disk, at most 1 MiB. */
  add(bytes: Buffer): void;
  /** After the last: the map. */
  end(): Bmap;
}

/**
 * Blocks of 4096 bytes are mapped where they hold something else than zeros, and where `used` says so.
 * @param used in order, see usedStretches
 */
export function collectBmap(used: readonly Stretch[]): BmapCollector {
  const ranges: BmapRange[] = [];
  let open: { firstBlock: number; lastBlock: number; hash: Hash } | undefined;
  let at = 0;
  let carried: Buffer = Buffer.alloc(0);
  let cursor = 0;
  const close = (): void => {
    if (open === undefined) return;
    const { firstBlock, lastBlock, hash } = open;
    ranges.push({ firstBlock, lastBlock, sha256: hash.digest('hex') });
    open = undefined;
  };
  const isUsed = (start: number, end: number): boolean => {
    for (let next = used[cursor]; next !== undefined && next.end <= start; next = used[cursor]) cursor += 1;
    const stretch = used[cursor];
    return stretch !== undefined && stretch.start < end;
  };
  const addBlocks = (piece: Buffer): void => {
    const data = dataRuns(piece);
    let run = 0;
    for (let from = 0; from < piece.length; from += blockBytes) {
      const end = Math.min(from + blockBytes, piece.length);
      while ((data[run]?.end ?? Infinity) <= from) run += 1;
      const holds = (data[run]?.start ?? Infinity) <= from;
      if (isUsed(at + from, at + end) || holds) {
        const block = (at + from) / blockBytes;
        if (open?.lastBlock !== block - 1) {
          close();
          open = { firstBlock: block, lastBlock: block, hash: createHash('sha256') };
        }
        open.lastBlock = block;
        open.hash.update(piece.subarray(from, end));
      }
    }
    at += piece.length;
  };
  return {
    add(bytes) {
      let rest = bytes;
      if (carried.length > 0) {
        const head = rest.subarray(0, blockBytes - carried.length);
        carried = Buffer.concat([carried, head]);
        rest = rest.subarray(head.length);
        if (carried.length < blockBytes) return;
        addBlocks(carried);
        carried = Buffer.alloc(0);
      }
      const whole = rest.length - (rest.length % blockBytes);
      if (whole > 0) addBlocks(rest.subarray(0, whole));
      if (whole < rest.length) carried = Buffer.from(rest.subarray(whole));
    },
    end() {
      if (carried.length > 0) addBlocks(carried);
      close();
      return { imageSizeBytes: at, blockBytes, ranges };
    },
  };
}

/** The bmap of a disk. */
export async function createBmap(
  reader: BlockReader,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Bmap> {
  const collector = collectBmap(await usedStretches(reader));
  for await (const { bytes } of diskPieces(reader, signal)) collector.add(bytes);
  return collector.end();
}

import type { Extent } from '@osforge/disk-image';
import { FlashSourceError } from '../errors.ts';

/** What a bmap file (version 2.0, as bmaptool writes it) says about its image. */
export interface Bmap {
  readonly imageSizeBytes: number;
  readonly blockBytes: number;
  /** Stretches that hold data, in order; everything else is zeros. */
  readonly ranges: readonly BmapRange[];
}

export interface BmapRange {
  readonly startBytes: number;
  readonly lengthBytes: number;
  /** SHA-256 of the stretch in lower-case hex; undefined if the file has none. */
  readonly sha256: string | undefined;
}

/**
 * Reads the text of a bmap file. Only what bmaptool itself writes is understood: this is no general XML.
 * @throws FlashSourceError
 */
export function parseBmap(text: string, path: string): Bmap {
  const fail = (problem: string): never => {
    throw new FlashSourceError(`${path} is no bmap file that can be used: ${problem}`, {
      path,
      reason: 'format',
    });
  };
  const field = (name: string): string =>
    new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(text)?.[1] ?? fail(`it has no ${name}`);
  const whole = (value: string, what: string): number =>
    /^\d{1,15}$/.test(value) ? Number(value) : fail(`${what} is ${JSON.stringify(value.slice(0, 40))}`);
  const imageSizeBytes = whole(field('ImageSize'), 'ImageSize');
  const blockBytes = whole(field('BlockSize'), 'BlockSize');
  if (blockBytes < 512) fail(`BlockSize is ${blockBytes}`);
  const checksum = /<ChecksumType>\s*([^<]*?)\s*</.exec(text)?.[1] ?? 'sha256';
  if (checksum !== 'sha256') fail(`its checksums are ${checksum}: make it again with sha256`);
  const ranges: BmapRange[] = [];
  let end = 0;
  for (const [, attributes = '', blocks = ''] of text.matchAll(/<Range\b([^>]*)>\s*([^<]*?)\s*<\/Range>/g)) {
    const [first = '', last = first] = blocks.split('-');
    const startBytes = whole(first.trim(), 'a range') * blockBytes;
    const endBytes = Math.min((whole(last.trim(), 'a range') + 1) * blockBytes, imageSizeBytes);
    if (startBytes < end || endBytes <= startBytes)
      fail(`the range ${blocks.slice(0, 40)} is out of order or outside`);
    end = endBytes;
    const sha256 = /chksum\s*=\s*["']([0-9a-fA-F]{64})["']/.exec(attributes)?.[1]?.toLowerCase();
    ranges.push({ startBytes, lengthBytes: endBytes - startBytes, sha256 });
  }
  return { imageSizeBytes, blockBytes, ranges };
}

/** The same as a list of extents without gaps. */
export function bmapExtents({ imageSizeBytes, ranges }: Bmap): Extent[] {
  const extents: Extent[] = [];
  let at = 0;
  const hole = (end: number): void => {
    if (end > at) extents.push({ startBytes: at, lengthBytes: end - at, data: false, zero: true });
    at = end;
  };
  for (const { startBytes, lengthBytes } of ranges) {
    hole(startBytes);
    extents.push({ startBytes, lengthBytes, data: true, zero: false });
    at = startBytes + lengthBytes;
  }
  hole(imageSizeBytes);
  return extents;
}

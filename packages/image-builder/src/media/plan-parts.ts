import type { Stretch } from '@osforge/disk-image';

/** The partition table, which an installation writes last; written in one piece. */
export const tableBytes: number = 1024 ** 2;
/** Of one part, so that one fits into any machine's memory and a FAT file system. */
const largestPartBytes: number = 16 * 1024 ** 2;
/** Whole blocks of any disk. */
const blockBytes = 4096;
/** Shorter gaps between two stretches are written too: one part costs more than the zeros in it. */
const smallestGapBytes = 1024 ** 2;

/** A contiguous piece of the image's disk. */
export interface PlannedPart {
  readonly kind: 'table' | 'range';
  readonly offset: number;
  readonly length: number;
}

/**
 * What of a disk has to be written, in order: the first MiB, then what file systems use, in pieces of at most 16 MiB. The
 * backup of the partition table is none of it: it belongs at the end of the disk that is written to. Pure.
 *
 * @param used see usedStretches
 * @param endBytes where the last partition ends
 */
export function planParts(used: readonly Stretch[], endBytes: number): PlannedPart[] {
  const parts: PlannedPart[] = [{ kind: 'table', offset: 0, length: tableBytes }];
  let open: { start: number; end: number } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    for (let offset = open.start; offset < open.end; offset += largestPartBytes)
      parts.push({ kind: 'range', offset, length: Math.min(largestPartBytes, open.end - offset) });
  };
  for (const stretch of used) {
    const start = Math.max(tableBytes, Math.floor(stretch.start / blockBytes) * blockBytes);
    const end = Math.min(endBytes, Math.ceil(stretch.end / blockBytes) * blockBytes);
    if (start >= end) continue;
    if (open !== undefined && start - open.end < smallestGapBytes) open.end = Math.max(open.end, end);
    else {
      close();
      open = { start, end };
    }
  }
  close();
  return parts;
}

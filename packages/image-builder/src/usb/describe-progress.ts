import path from 'node:path';
import type { FlashEvents } from '@osforge/flasher';

type Row = FlashEvents['flash.target'];

/** The part of the phase's progress that is done: the mean of its targets. */
export function fractionOf(rows: ReadonlyMap<string, Row>, count: number): number {
  const sum = [...rows.values()].reduce(
    (total, { doneBytes, totalBytes }) =>
      total + (totalBytes === undefined || totalBytes === 0 ? 0 : doneBytes / totalBytes),
    0,
  );
  return count === 0 ? 1 : sum / count;
}

/** What the targets are doing, in one line: `sdb 45 % 23 MB/s, sdc probing`. */
export function describeRows(rows: ReadonlyMap<string, Row>): string {
  return [...rows.values()].map(describeRow).join(', ');
}

function describeRow({ target, state, doneBytes, totalBytes, bytesPerSecond }: Row): string {
  const name = path.basename(target);
  if (state !== 'writing') return `${name} ${state}`;
  const done =
    totalBytes === undefined || totalBytes === 0 ? '' : ` ${Math.floor((100 * doneBytes) / totalBytes)} %`;
  return `${name}${done} ${(bytesPerSecond / 1e6).toFixed(bytesPerSecond < 1e7 ? 1 : 0)} MB/s`;
}

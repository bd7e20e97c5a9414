import { FlashOptionError } from '../errors.ts';
import type { Layout } from './layout.ts';

/** What O_DIRECT asks for at most; that of @osforge/perf, which the caller's process does without. */
const pageBytes = 4096;

/** @throws FlashOptionError unless the sizes fit each other */
export function checkLayout({ chunkBytes, rangeBytes }: Layout, windowBytes: number): void {
  const fail = (option: string, problem: string): never => {
    throw new FlashOptionError(`${option} ${problem}`, { option });
  };
  if (chunkBytes < pageBytes || chunkBytes % pageBytes !== 0)
    fail('chunkBytes', `is no multiple of ${pageBytes}`);
  if (rangeBytes < chunkBytes || rangeBytes % chunkBytes !== 0)
    fail('rangeBytes', 'is no multiple of chunkBytes');
  if (windowBytes < 4 * chunkBytes) fail('windowBytes', 'is less than four chunks');
}

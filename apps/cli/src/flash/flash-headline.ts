import path from 'node:path';
import type { FlashRunResult } from '@osforge/flasher';
import { formatDuration } from '../text/duration.ts';

/** The one line that a flash leaves of which all targets are complete. */
export function flashHeadline(image: string, { targets, durationMs }: FlashRunResult): string {
  const count = `${targets.length} ${targets.length === 1 ? 'target' : 'targets'}`;
  const unverified = targets.some((one) => one.ok && one.receipt.verification.readBack === 'none');
  return `Wrote ${path.basename(image)} on ${count} in ${formatDuration(durationMs)}${unverified ? '; not verified' : ', verified'}.`;
}

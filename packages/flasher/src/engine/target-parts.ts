import type { Journal } from '../journal/journal.ts';
import type { FlashContext } from './context.ts';
import { rangeStretch, type Stretch } from './layout.ts';
import { PrivateReader } from './private-reader.ts';
import type { Semaphore } from './semaphore.ts';
import type { TargetIo } from './target-io.ts';
import type { TargetStatus } from './target-status.ts';

/** What those who write and verify one opened target share. */
export interface TargetParts {
  readonly path: string;
  readonly io: TargetIo;
  readonly context: FlashContext;
  readonly status: TargetStatus;
  readonly journal: Journal | undefined;
  readonly signal: AbortSignal;
}

/** As far as it is known; a compressed image may not say it before its end. */
export const imageSize = ({ digests, source }: FlashContext): number | undefined =>
  digests.sizeBytes ?? source.sizeBytes;

export const stretchOf = (context: FlashContext, range: number): Stretch =>
  rangeStretch(context.layout, range, imageSize(context) ?? Number.POSITIVE_INFINITY);

/** A reader of the image for one target alone. */
export function privateReader(
  { source, layout, pool, zeros, settings }: FlashContext,
  permits: Semaphore,
  signal: AbortSignal,
): PrivateReader {
  const { sourceTimeoutMs: readTimeoutMs } = settings;
  return new PrivateReader({ source, layout, pool, zeros, permits, readTimeoutMs, signal });
}

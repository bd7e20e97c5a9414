import type { FlushReport } from '@osforge/flush';
import type { BuildEnvironment } from '../build/environment.ts';

/** Says how long it took until an image was on the disk. */
export function tellFlush(
  { bus }: BuildEnvironment,
  format: string,
  { bytes, durationMs }: Pick<FlushReport, 'bytes' | 'durationMs'>,
): void {
  bus?.publish('capture', 'image.flushed', { format, sizeBytes: bytes, durationMs });
}

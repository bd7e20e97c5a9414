import type { TargetProgress } from './engine/progress.ts';
import { type FlashOptions, type FlashResult, startFlash } from './host/start-flash.ts';
import type { TargetIdentity } from './targets/identity.ts';

export interface FlashImageOptions extends FlashOptions {
  /** As they were when they were chosen. */
  readonly targets: readonly TargetIdentity[];
  readonly onProgress?: ((progress: TargetProgress) => void) | undefined;
}

/**
 * Writes one image on all targets and ends when each is complete or has failed. The results have the order of the targets.
 *
 * @throws as {@link startFlash}; never because of a target
 */
export async function flashImage(options: FlashImageOptions): Promise<FlashResult[]> {
  const { targets, onProgress } = options;
  const flash = await startFlash(options);
  const subscription = flash.progress$.subscribe({ next: (progress) => onProgress?.(progress) });
  try {
    return await Promise.all(targets.map((target) => flash.add(target)));
  } finally {
    await flash.close();
    subscription.unsubscribe();
  }
}

import { planImage, type PlanImageOptions, type PlannedImage } from './plan-image.ts';
import { planTargets, type PlannedTarget } from './plan-targets.ts';

export interface PlanFlashOptions {
  readonly image: PlanImageOptions;
  /** As a person names them. */
  readonly targets: readonly string[];
  readonly allowPartition?: boolean | undefined;
}

/** What is to be written where. Keep it from the choice to {@link runFlash}: the targets' identities are in it. */
export interface FlashPlan {
  readonly image: PlannedImage;
  readonly targets: readonly PlannedTarget[];
}

/**
 * Looks at an image and at targets, and writes nothing. What is wrong with a target is in its `problems`.
 * @throws FlashSourceError, FlashOptionError
 */
export async function planFlash(options: PlanFlashOptions): Promise<FlashPlan> {
  const image = await planImage(options.image);
  const targets = await planTargets(options.targets, {
    imagePath: image.source.path,
    imageSizeBytes: image.sizeBytes,
    imageSectorBytes: image.sectorBytes,
    allowPartition: options.allowPartition,
  });
  return { image, targets };
}

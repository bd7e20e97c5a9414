import type { Phase } from '@osforge/pipeline';

/** A phase that has its place in the order and is never requested by a recipe of this version. */
function laterPhase(name: 'media' | 'usb', dependsOn: readonly string[]): Phase {
  return {
    name,
    version: '1',
    weight: 0.01,
    dependsOn,
    inputs: () => ({}),
    skip: () => 'not requested',
    run: () => Promise.reject(new Error(`phase "${name}" cannot be requested`)),
  };
}

/** Phase 12: deployment media. */
export const mediaPhase = (): Phase => laterPhase('media', ['capture']);

/** Phase 13: USB sticks. */
export const usbPhase = (): Phase => laterPhase('usb', ['media']);

import type { Phase } from '@osforge/pipeline';

/** Phase 13: USB sticks. It has its place in the order and is never requested by a recipe of this version. */
export function usbPhase(): Phase {
  return {
    name: 'usb',
    version: '1',
    weight: 0.01,
    dependsOn: ['media'],
    inputs: () => ({}),
    skip: () => 'not requested',
    run: () => Promise.reject(new Error('phase "usb" cannot be requested')),
  };
}

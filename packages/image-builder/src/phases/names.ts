/** The fourteen phases of a build, in their order. */
export const phaseNames = [
  'preflight',
  'drivers',
  'updates',
  'apps',
  'disk',
  'os-updates',
  'vm-setup',
  'vm-start',
  'app-install',
  'vm-shutdown',
  'capture',
  'media',
  'usb',
  'cleanup',
] as const;

export type PhaseName = (typeof phaseNames)[number];

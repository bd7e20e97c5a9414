import { FfuSourceError } from '../errors.ts';
import type { CaptureFfuOptions } from './capture-ffu.ts';
import { defaultBlockBytes } from './layout.ts';

const defaultDevicePath = 'VenHw(B615F1F5-5088-43CD-809C-A16E52487D00)';

/** What of the options goes into the file: another capture with the same ones may continue it. */
export interface CaptureSettings {
  readonly kind: 'v1' | 'v1-compressed';
  readonly blockBytes: number;
  readonly platformIds: readonly string[];
  readonly osVersion: string;
  readonly description: string;
  readonly devicePath: string;
}

/** @throws FfuSourceError for what no FFU can hold */
export function captureSettings(options: CaptureFfuOptions): CaptureSettings {
  const { platformIds = ['osforge'], osVersion = '10.0.0.0' } = options;
  const valid = platformIds.every((id) => /^[\x21-\x7e]+$/.test(id));
  const bytes = platformIds.reduce((sum, id) => sum + id.length + 1, 0);
  if (!valid || platformIds.length < 1 || platformIds.length > 16 || bytes > 191)
    throw new FfuSourceError(
      `platformIds ${JSON.stringify(platformIds)}: 1 to 16 of printable ASCII without blanks, 191 bytes in all`,
    );
  if (new Set(platformIds).size !== platformIds.length)
    throw new FfuSourceError(`platformIds ${JSON.stringify(platformIds)}: one is repeated`);
  if (!/^\d{1,5}(\.\d{1,5}){3}$/.test(osVersion))
    throw new FfuSourceError(`osVersion "${osVersion}" is not four numbers with dots`);
  const devicePath = options.devicePath ?? defaultDevicePath;
  if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(devicePath))
    throw new FfuSourceError(`devicePath "${devicePath}" is not one line of printable ASCII`);
  const year = options.createdAt?.getUTCFullYear() ?? 2000;
  if (!(year >= 1950 && year <= 2049)) throw new FfuSourceError('createdAt is not between 1950 and 2049');
  return {
    kind: options.compress === true ? 'v1-compressed' : 'v1',
    blockBytes: options.blockBytes ?? defaultBlockBytes,
    platformIds,
    osVersion,
    description: options.description ?? '@osforge/disk-image',
    devicePath,
  };
}

import { basename } from 'node:path';
import { ImageConvertError } from '../errors.ts';

/** What convertAny writes. */
export type TargetFormat = 'raw' | 'qcow2' | 'vhdx' | 'ffu' | 'raw.zst' | 'raw.gz';

const extensions: readonly (readonly [string, TargetFormat])[] = [
  ['.zst', 'raw.zst'],
  ['.gz', 'raw.gz'],
  ['.qcow2', 'qcow2'],
  ['.vhdx', 'vhdx'],
  ['.ffu', 'ffu'],
  ['.raw', 'raw'],
  ['.img', 'raw'],
];

/**
 * The format that a file name asks for.
 * @throws ImageConvertError for any other extension
 */
export function targetFormat(path: string): TargetFormat {
  const name = basename(path).toLowerCase();
  const found = extensions.find(([extension]) => name.endsWith(extension) && name !== extension);
  // "x.qcow2.zst" would hold a raw disk under a name that says otherwise.
  const misleading = /\.(qcow2|vhdx|ffu|tar|iso)\.(zst|gz)$/.exec(name);
  if (found === undefined || misleading !== null)
    throw new ImageConvertError(
      `${path}: ${misleading === null ? 'its extension names no format' : 'only raw disks are compressed'}; end the name in .raw, .img, .qcow2, .vhdx, .ffu, .raw.zst or .raw.gz`,
    );
  return found[1];
}

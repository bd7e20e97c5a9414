import * as z from 'zod';
import { sizeToBytes } from '../formats.ts';
import type { DiskSettings } from '../recipe.ts';
import { text } from './text.ts';

export const diskSchema: z.ZodType<DiskSettings> = z
  .strictObject({
    size: text('size').default('4G').describe('Size of the disk, as 4G or 3500M (powers of 1024).'),
    sectorSize: z.literal(512).default(512).describe('Logical sector size in bytes.'),
    espSize: text('size').default('256M').describe('Size of the EFI system partition.'),
    rootLabel: text('rootLabel').default('root').describe('Label of the root file system.'),
    uuidSeed: text('line')
      .min(1)
      .exactOptional()
      .describe("Text that the disk's UUIDs are derived from; the recipe's name by default."),
  })
  .describe('The disk and its partitions.')
  .transform(({ size, espSize, ...rest }) => ({
    ...rest,
    sizeBytes: sizeToBytes(size),
    espSizeBytes: sizeToBytes(espSize),
  }));

import * as z from 'zod';
import { sizeToBytes } from '../formats.ts';
import type { MediaDisk, MediaSettings } from '../recipe.ts';
import { text } from './text.ts';

const mediaDiskSchema: z.ZodType<MediaDisk> = z
  .strictObject({
    select: z
      .enum(['only', 'smallest', 'largest', 'serial'])
      .default('only')
      .describe('Which of the disks that fit is taken.'),
    serials: z
      .array(text('diskSerial'))
      .default([])
      .describe('Serial numbers of the disks that may be taken, with select: serial.'),
    minSize: text('size').exactOptional().describe('Smaller disks are not taken.'),
    maxSize: text('size').exactOptional().describe('Larger disks are not taken.'),
    several: z
      .enum(['ask', 'refuse'])
      .default('ask')
      .describe('What happens where the choice leaves several disks.'),
    overwrite: z
      .enum(['ask', 'always', 'never'])
      .default('ask')
      .describe('Whether a disk that holds something is overwritten.'),
  })
  .describe('Which disk of a machine is written to.')
  .transform(({ minSize, maxSize, ...rest }) => ({
    ...rest,
    ...(minSize === undefined ? {} : { minBytes: sizeToBytes(minSize) }),
    ...(maxSize === undefined ? {} : { maxBytes: sizeToBytes(maxSize) }),
  }));

const settingsSchema: z.ZodType<MediaSettings> = z
  .strictObject({
    formats: z
      .array(z.enum(['iso', 'stick', 'pxe']))
      .min(1)
      .default(['iso', 'stick'])
      .describe('ISO for CD drives and sticks, raw image for sticks, folder for booting from the network.')
      .transform((list) => [...new Set(list)]),
    kernel: text('packageName')
      .default('linux-image-amd64')
      .describe("Package of the installer's kernel; a cloud kernel lacks the drivers of real machines."),
    firmware: z
      .array(text('packageSpec'))
      .default([])
      .describe("Firmware packages for the installer's kernel."),
    disk: mediaDiskSchema.prefault({}),
    grow: z.boolean().default(true).describe('Let the last partition fill the disk.'),
    hostname: z
      .strictObject({
        template: text('hostnameTemplate')
          .exactOptional()
          .describe('Host name with {serial}, {mac}, {counter} or {name} in it.'),
        names: text('relativePath')
          .exactOptional()
          .describe("CSV file of serial,name lines, relative to the recipe's folder."),
      })
      .exactOptional()
      .describe("How a machine gets its host name; without it it keeps the image's."),
    after: z.enum(['reboot', 'poweroff']).default('reboot').describe('What follows an installation.'),
  })
  .describe('Media that install the image on other machines.');

export const mediaSchema: z.ZodType<false | MediaSettings> = z
  .union([
    z.boolean().refine((value): value is false => !value, {
      error: 'true does not say which media',
      params: {
        expected: 'false, or a mapping',
        remedy: 'Write media: {} for an ISO and a stick image, or media: { formats: [pxe] }.',
      },
    }),
    settingsSchema,
  ])
  .describe('Deployment media, as a mapping; false where none are made.');

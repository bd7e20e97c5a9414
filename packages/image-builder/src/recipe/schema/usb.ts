import * as z from 'zod';
import type { UsbSettings } from '../recipe.ts';
import { text } from './text.ts';

/** What is written depends on whether the recipe makes a stick image, which only the whole recipe knows. */
export type UsbInput = Omit<UsbSettings, 'write'> & Partial<Pick<UsbSettings, 'write'>>;

const settingsSchema: z.ZodType<UsbInput> = z
  .strictObject({
    write: z
      .enum(['media', 'image'])
      .exactOptional()
      .describe(
        'media: the stick image of media, the default where there is one; image: the captured image.',
      ),
    targets: z
      .array(text('targetPath'))
      .default([])
      .describe('Disks, loop devices or files to write to, as absolute paths.'),
    serials: z.array(text('diskSerial')).default([]).describe('Serial numbers of disks to write to.'),
    probe: z
      .boolean()
      .default(false)
      .describe('Look first whether each disk holds as much as it says; it writes samples.'),
    verify: z.boolean().default(true).describe('Read back what was written.'),
  })
  .describe('Targets that the result is written to, as USB sticks.');

export const usbSchema: z.ZodType<false | UsbInput> = z
  .union([
    z.boolean().refine((value): value is false => !value, {
      error: 'true does not say which targets',
      params: {
        expected: 'false, or a mapping',
        remedy: 'Write usb: with targets: [/dev/disk/by-id/usb-...], or serials: [...].',
      },
    }),
    settingsSchema,
  ])
  .describe('Writing USB sticks, as a mapping; false where none are written.');

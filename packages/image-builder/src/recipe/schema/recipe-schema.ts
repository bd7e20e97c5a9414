import * as z from 'zod';
import type { Recipe } from '../recipe.ts';
import { appSchema, driversSchema } from './apps.ts';
import { diskSchema } from './disk.ts';
import { mediaSchema } from './media.ts';
import { distributionSchema, systemSchema, updatesSchema } from './system.ts';
import { text } from './text.ts';
import { usbSchema } from './usb.ts';
import { userSchema } from './users.ts';
import { captureSchema, reproducibleSchema, vmSchema } from './vm.ts';

/**
 * The recipe's schema: what the YAML may hold, and the {@link Recipe} it becomes.
 * References to files and rules between fields are checked by `loadRecipe`, not here.
 */
export const recipeSchema: z.ZodType<Recipe> = z
  .strictObject({
    version: z.literal(1).describe('Version of the recipe format.'),
    name: text('name').describe('Name of the image and default build id.'),
    description: z.string().max(4096).exactOptional().describe('What the image is for.'),
    distribution: distributionSchema.prefault({}),
    updates: updatesSchema.prefault({}),
    system: systemSchema.prefault({}),
    disk: diskSchema.prefault({}),
    users: z.array(userSchema).default([]).describe('User accounts.'),
    drivers: driversSchema.prefault({}),
    apps: z.array(appSchema).default([]).describe('Applications, in the order of installation.'),
    vm: vmSchema.prefault({}),
    capture: captureSchema.prefault({}),
    media: mediaSchema.default(false),
    usb: usbSchema.default(false),
    reproducible: reproducibleSchema.prefault({}),
  })
  .describe('A recipe of osforge: one bootable image, as data.')
  .transform((recipe) => ({
    ...recipe,
    system: { ...recipe.system, hostname: recipe.system.hostname ?? recipe.name },
    usb: recipe.usb === false ? false : { ...recipe.usb, write: recipe.usb.write ?? written(recipe.media) },
  }));

function written(media: Recipe['media']): 'media' | 'image' {
  return media !== false && media.formats.includes('stick') ? 'media' : 'image';
}

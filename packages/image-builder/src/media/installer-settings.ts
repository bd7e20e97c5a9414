import type { InstallerSettings } from '../installer/settings.ts';
import type { MediaSettings, Recipe } from '../recipe/recipe.ts';

/** What the installer of a recipe is told; all media of a build have the same. Pure. */
export function installerSettings(recipe: Recipe, media: MediaSettings, mediumId: string): InstallerSettings {
  const { disk, hostname, formats } = media;
  const template = hostname?.template;
  const digits = template === undefined ? undefined : /\{counter:(\d)\}/.exec(template)?.[1];
  return {
    name: recipe.name,
    imageBytes: recipe.disk.sizeBytes,
    sectorSize: recipe.disk.sectorSize,
    select: disk.select,
    serials: disk.serials,
    minBytes: disk.minBytes,
    maxBytes: disk.maxBytes,
    several: disk.several,
    overwrite: disk.overwrite,
    grow: media.grow,
    hostnameTemplate: template?.replace(/\{counter:\d\}/, '{counter}'),
    counterDigits: digits === undefined ? undefined : Number(digits),
    after: media.after,
    // From the network the kernel's command line says where; nothing else is a medium then.
    payload: formats.every((format) => format === 'pxe') ? 'http' : 'medium',
    mediumId,
  };
}

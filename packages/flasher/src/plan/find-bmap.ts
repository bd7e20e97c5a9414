import { stat } from 'node:fs/promises';

/** Endings of what is around a raw image, as bmaptool strips them when it looks for the map. */
const wrapping = /\.(zst|gz|xz)$/;

/** The block map beside an image: `<image>.bmap`, and of a compressed one also that of the name inside. */
export async function findBmap(image: string): Promise<string | undefined> {
  const inside = image.replace(wrapping, '');
  const names = [`${image}.bmap`, `${inside}.bmap`, `${inside.replace(/\.(raw|img)$/, '')}.bmap`];
  for (const name of new Set(names)) {
    const status = await stat(name).catch(() => undefined);
    if (status?.isFile() === true) return name;
  }
  return undefined;
}

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load-recipe.ts';
import { RecipeError } from '../../src/recipe/recipe-error.ts';
import { folderWith } from './folder.ts';

async function load(lines: string) {
  const folder = await folderWith({ 'recipe.yaml': `version: 1\nname: box\n${lines}` });
  return (await loadRecipe(join(folder, 'recipe.yaml'))).recipe;
}

describe('usb', () => {
  test('gets every default, and writes the captured image where there is no stick image', async () => {
    expect((await load('usb: { targets: [/dev/sdb] }\n')).usb).toEqual({
      write: 'image',
      targets: ['/dev/sdb'],
      serials: [],
      probe: false,
      verify: true,
    });
    expect((await load('usb: false\n')).usb).toBe(false);
  });

  test.each([
    ['media: {}\n', 'media'],
    ['media: { formats: [iso] }\n', 'image'],
  ])('by %j what is written is %s', async (media, write) => {
    const { usb } = await load(`${media}usb: { serials: [ABC123] }\n`);
    expect(usb).toMatchObject({ write, serials: ['ABC123'] });
  });

  test.each([
    ['usb: true\n', 'usb', 'true does not say which targets', 'targets: [/dev/disk/by-id/'],
    ['usb: {}\n', 'usb', 'nothing is named to write to', 'osforge flash --list'],
    ['usb: { targets: [sdb] }\n', 'usb.targets[0]', 'sdb', '/dev/disk/by-id'],
    ['usb: { targets: [/dev/sdb, /dev/sdb] }\n', 'usb.targets[1]', 'is there already', 'Remove one'],
    ['usb: { targets: [/dev/sdb], write: media }\n', 'usb.write', 'no stick image is made', 'Add stick'],
    ['usb: { targets: [/dev/sdb], wirte: image }\n', 'usb.wirte', 'wirte', 'Did you mean "write"?'],
  ])('%j is refused with place and remedy', async (lines, field, message, remedy) => {
    const error: unknown = await load(lines).catch((reason: unknown) => reason);
    if (!(error instanceof RecipeError)) throw new Error(`not refused: ${String(error)}`);
    expect(error.diagnostics).toHaveLength(1);
    expect(error.diagnostics[0]?.field).toBe(field);
    expect(error.diagnostics[0]?.message).toContain(message);
    expect(error.diagnostics[0]?.remedy).toContain(remedy);
  });
});

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../src/recipe/diagnostic.ts';
import { loadRecipe } from '../../src/recipe/load-recipe.ts';
import { parseNames } from '../../src/recipe/names.ts';
import { RecipeError } from '../../src/recipe/recipe-error.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import { folderWith } from './folder.ts';

const load = async (media: string, files: Record<string, string> = {}): Promise<Recipe> => {
  const text = `version: 1\nname: box\nmedia: ${media}\n`;
  return (await loadRecipe(join(await folderWith({ ...files, 'recipe.yaml': text }), 'recipe.yaml'))).recipe;
};

const refused = async (media: string, files: Record<string, string> = {}): Promise<readonly Diagnostic[]> => {
  const error: unknown = await load(media, files).catch((reason: unknown) => reason);
  if (!(error instanceof RecipeError)) throw new Error(`not refused with a RecipeError: ${String(error)}`);
  return error.diagnostics;
};

describe('media', () => {
  test('a recipe may say that it wants none', async () => {
    expect(await load('false')).toMatchObject({ media: false });
  });

  test('an empty mapping has every default', async () => {
    expect((await load('{}')).media).toEqual({
      formats: ['iso', 'stick'],
      kernel: 'linux-image-amd64',
      firmware: [],
      disk: { select: 'only', serials: [], several: 'ask', overwrite: 'ask' },
      grow: true,
      after: 'reboot',
    });
  });

  test('sizes are bytes, formats are there once', async () => {
    const { media } = await load(
      '{ formats: [pxe, pxe], disk: { minSize: 8G, maxSize: 1T }, hostname: { template: "pc-{serial}", names: n.csv } }',
      { 'n.csv': 'serial,name\nABC,desk-1\n' },
    );
    expect(media).toMatchObject({
      formats: ['pxe'],
      disk: { minBytes: 8 * 1024 ** 3, maxBytes: 1024 ** 4 },
      hostname: { template: 'pc-{serial}', names: 'n.csv' },
    });
  });

  test.each([
    ['true', 'media', 'true does not say which media'],
    ['yes', 'media', '"yes" where true or false or a mapping (key: value) belongs'],
    ['{ formats: [] }', 'media.formats', 'the list is empty'],
    ['{ formats: [usb] }', 'media.formats[0]', '"usb" is not possible here'],
    ['{ format: [iso] }', 'media.format', 'unknown key "format"'],
    ['{ disk: { selekt: only } }', 'media.disk.selekt', 'unknown key "selekt"'],
    ['{ kernel: "linux image" }', 'media.kernel', 'does not have the right form'],
    ['{ hostname: { template: "pc_{serial}" } }', 'media.hostname.template', 'does not have the right form'],
    ['{ hostname: { template: "pc-{uuid}" } }', 'media.hostname.template', 'does not have the right form'],
    ['{ hostname: { template: "-{mac}" } }', 'media.hostname.template', 'is no host name'],
    ['{ hostname: {} }', 'media.hostname', 'nothing says what the name is to be'],
    ['{ disk: { select: serial } }', 'media.disk.select', 'no disk is named'],
    ['{ disk: { serials: [A1] } }', 'media.disk.serials', 'select: only does not look at their names'],
    ['{ disk: { minSize: 9G, maxSize: 8G } }', 'media.disk.maxSize', 'so small and so large at once'],
    ['{ disk: { maxSize: 2G } }', 'media.disk.maxSize', 'the image does not fit on any such disk'],
    [
      '{ formats: [iso, stick, pxe], hostname: { template: "pc-{counter}" } }',
      'media.hostname.template',
      '{counter} cannot be kept on what media.formats has: iso, pxe',
    ],
    ['{ hostname: { names: gone.csv } }', 'media.hostname.names', '"gone.csv" does not exist'],
    ['{ hostname: { names: ../n.csv } }', 'media.hostname.names', "leads out of the recipe's folder"],
  ])('%s is refused at %s', async (media, field, message) => {
    const diagnostics = await refused(media);
    expect(diagnostics.map((one) => one.field)).toEqual([field]);
    expect(diagnostics[0]).toMatchObject({ line: 3 });
    expect(diagnostics[0]?.message).toContain(message);
    expect(diagnostics[0]?.expected).toBeTruthy();
  });

  test('{counter} goes with a stick alone', async () => {
    await expect(
      load('{ formats: [stick], hostname: { template: "pc-{counter:4}" } }'),
    ).resolves.toMatchObject({
      name: 'box',
    });
  });

  test('what is wrong in the list of names is told with its line', async () => {
    const diagnostics = await refused('{ hostname: { names: n.csv } }', {
      'n.csv': '# desks\nABC,desk-1\nABC,desk_2\nDEF\n',
    });
    expect(diagnostics.map(({ field, message }) => [field, message])).toEqual([
      ['media.hostname.names', 'n.csv, line 3: "desk_2" is no host name'],
      ['media.hostname.names', 'n.csv, line 3: the serial number of line 2 again'],
      ['media.hostname.names', 'n.csv, line 4: 1 fields'],
    ]);
  });

  test('a list that names nobody is refused', async () => {
    const [first] = await refused('{ hostname: { names: n.csv } }', { 'n.csv': 'serial,name\n\n' });
    expect(first?.message).toBe('"n.csv" names no machine');
  });
});

test('names are read with blanks, a mark at the head, Windows line ends and capitals', () => {
  expect(parseNames('\uFEFFSerial, Name\r\n 5CD1234 XY , Desk-1 \r\n\r\n# x\r\nQ-2,b\r\n')).toEqual({
    machines: [
      { serial: '5CD1234 XY', name: 'desk-1' },
      { serial: 'Q-2', name: 'b' },
    ],
    problems: [],
  });
});

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load-recipe.ts';
import { RecipeError } from '../../src/recipe/recipe-error.ts';
import { folderWith } from './folder.ts';

async function load(lines: string) {
  const folder = await folderWith({ 'recipe.yaml': `version: 1\nname: box\n${lines}` });
  return (await loadRecipe(join(folder, 'recipe.yaml'))).recipe.capture;
}

describe('capture', () => {
  test.each([
    ['capture: { formats: [ffu, raw.zst, ffu] }\n', { formats: ['ffu', 'raw.zst'] }],
    ['capture: { formats: [ffu], ffu: {} }\n', { formats: ['ffu'], ffu: { compress: false } }],
    [
      'capture: { formats: [qcow2, ffu], ffu: { compress: true } }\n',
      { formats: ['qcow2', 'ffu'], ffu: { compress: true } },
    ],
  ])('%j', async (lines, capture) => {
    expect(await load(lines)).toEqual(capture);
  });

  test.each([
    ['capture: { ffu: { compress: true } }\n', 'capture.ffu', 'no FFU is captured', 'Add ffu'],
    [
      'capture: { formats: [ffu], ffu: { compres: true } }\n',
      'capture.ffu.compres',
      'compres',
      'Did you mean "compress"?',
    ],
  ])('%j is refused with place and remedy', async (lines, field, message, remedy) => {
    const error: unknown = await load(lines).catch((reason: unknown) => reason);
    if (!(error instanceof RecipeError)) throw new Error(`not refused: ${String(error)}`);
    expect(error.diagnostics).toHaveLength(1);
    expect(error.diagnostics[0]?.field).toBe(field);
    expect(error.diagnostics[0]?.message).toContain(message);
    expect(error.diagnostics[0]?.remedy).toContain(remedy);
  });
});

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { cli } from './support/run-cli.ts';
import { openTerminal } from './support/terminal.ts';
import { test } from './support/temporary.ts';

async function recipeFor(folder: string, target: string): Promise<string> {
  const recipe = path.join(folder, 'recipe.yaml');
  await writeFile(recipe, `version: 1\nname: stick\nusb:\n  targets: [${target}]\n`);
  return recipe;
}

test('a build that would overwrite targets and has nobody to ask ends with 2, before anything runs', async ({
  folder,
}) => {
  const target = path.join(folder, 'stick.raw');
  await writeFile(target, 'precious');
  const recipe = await recipeFor(folder, target);
  const run = await cli(['build-image', recipe, '--out', path.join(folder, 'out')]);
  expect(run.code).toBe(2);
  expect(run.stderr).toContain(`the recipe's usb targets (${target}) would be overwritten`);
  expect(run.stderr).toContain('look at the targets and add --yes; nothing was started');
  expect(run.stdout).not.toMatch(/: started/);
  expect(await readFile(target, 'utf8')).toBe('precious');
});

test('a target that must not be written to ends it with 3 and the remedy, with --yes too', async ({
  folder,
}) => {
  const recipe = await recipeFor(folder, '/dev/osforge0');
  const run = await cli(['build-image', recipe, '--out', path.join(folder, 'out'), '--yes']);
  expect(run.code).toBe(3);
  expect(run.stderr).toContain('usb target /dev/osforge0: there is no such device or folder');
  expect(run.stderr).toContain('Plug it in, or correct the name.');
  expect(run.stdout).not.toMatch(/: started/);
});

test('on a terminal the word is asked for before anything runs, and Ctrl-C ends it with 130', async ({
  folder,
}) => {
  const target = path.join(folder, 'stick.raw');
  await writeFile(target, 'precious');
  const recipe = await recipeFor(folder, target);
  const terminal = await openTerminal(['build-image', recipe, '--out', path.join(folder, 'out')], {
    folder,
    columns: 100,
    rows: 30,
  });
  try {
    await terminal.until('the question', (text) => text.includes('Type stick.raw to overwrite it'));
    await terminal.keys('C-c');
    const end = await terminal.until('the end', (text) => /^exit=\d+$/m.test(text));
    expect(end).toContain('exit=130');
    expect(end).toContain('Cancelled.');
    expect(await readFile(target, 'utf8')).toBe('precious');
  } finally {
    await terminal.close();
  }
});

import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { formatDiagnostics } from '../../src/recipe/format-diagnostics.ts';
import { checkRecipeText } from '../../src/recipe/load-recipe.ts';
import { RecipeError } from '../../src/recipe/recipe-error.ts';

async function errorOf(text: string): Promise<RecipeError> {
  const error: unknown = await checkRecipeText(text, {
    file: 'box.yaml',
    directory: join(import.meta.dirname),
  }).catch((reason: unknown) => reason);
  if (!(error instanceof RecipeError)) throw new Error('not refused');
  return error;
}

async function rendered(text: string): Promise<string> {
  const error = await errorOf(text);
  return formatDiagnostics(error.diagnostics, error.source);
}

test('shows the line with a caret, what is expected and what to do', async () => {
  expect(await rendered('version: 1\nname: box\ndisk:\n  sise: 4G\nusb: true\n')).toBe(
    `box.yaml:4:3: error: disk.sise: unknown key "sise"
    |
  4 |   sise: 4G
    |   ^^^^
    = expected: one of: size, sectorSize, espSize, rootLabel, uuidSeed
    = Did you mean "size"?

box.yaml:5:6: error: usb: true does not say which targets
    |
  5 | usb: true
    |      ^^^^
    = expected: false, or a mapping
    = Write usb: with targets: [/dev/disk/by-id/usb-...], or serials: [...].`,
  );
});

test('a diagnostic about the whole file has no excerpt', () => {
  expect(
    formatDiagnostics(
      [{ file: 'x.yaml', line: 0, column: 0, field: '', message: 'there is no such file' }],
      '',
    ),
  ).toBe('x.yaml: error: there is no such file');
});

test('keeps the caret under its column behind tabs and in a long line', () => {
  const source = `a:\tb\n${'x'.repeat(300)}HERE${'y'.repeat(300)}`;
  const at = (line: number, column: number, length: number): string[] =>
    formatDiagnostics([{ file: 'f', line, column, length, field: '', message: 'm' }], source).split('\n');
  expect(at(1, 4, 1)[3]).toBe('    |   \t^');
  const [, , shown = '', caret = ''] = at(2, 301, 4);
  expect(shown.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('HERE');
  expect(shown.length).toBeLessThan(140);
});

test('control characters do not reach a terminal', async () => {
  expect(await rendered('version: 1\nname: "\u001b[2Jbox"\n')).not.toContain('\u001b');
});

test.each([
  ['a password in clear', 'users:\n  - name: op\n    password: hunter2\n'],
  ['a password in clear in braces', 'users: [{ name: op, password: "hunter2", shel: /bin/sh }]\n'],
  ['a password on a line of its own', 'users:\n  - name: op\n    password:\n      hunter2\n'],
  ['a password under a wrong key', 'users:\n  - name: op\n    passwd: hunter2\n'],
  ['a private key', 'users:\n  - name: op\n    authorizedKeys: [hunter2]\n'],
  ['a password that is a list', 'users:\n  - name: op\n    password: [hunter2]\n'],
])('%s is not shown', async (_what, text) => {
  const error = await errorOf(`version: 1\nname: box\n${text}`);
  const everything = `${formatDiagnostics(error.diagnostics, error.source)}\n${inspect(error)}\n${JSON.stringify(error)}`;
  expect(everything).toContain('users[0]');
  expect(everything).not.toContain('hunter2');
});

import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the example in the README prints what the README says', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example, output] = /```ts\n([^]*?)```[^]*?```text\n([^]*?)```/.exec(readme) ?? [];
  if (example === undefined) throw new Error('README.md has no ts block followed by a text block');
  const file = join(import.meta.dirname, '.readme-example.ts');
  await writeFile(file, example);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@osforge/source', file]);
    expect(stdout).toBe(output);
  } finally {
    await rm(file, { force: true });
  }
});

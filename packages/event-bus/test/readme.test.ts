import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

test('the example of the README does what the README shows', { timeout: 300_000 }, async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example = '', output = 'missing'] =
    /```ts\n([^]*?)```\n[^]*?```text\n([^]*?)```/.exec(readme) ?? [];
  const file = join(import.meta.dirname, '.readme-example.ts');
  await writeFile(file, example);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@osforge/source', file]);
    expect(stdout).toBe(output);
  } finally {
    await rm(file);
  }
});

import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the README’s example runs and prints what the README says', { timeout: 300_000 }, async () => {
  const readme = await readFile(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const [, example, output] = /```ts\n(.*?)```\s+```text\n(.*?)```/s.exec(readme) ?? [];
  expect(output).toBeTruthy();
  const file = join(import.meta.dirname, '.readme-example.ts');
  try {
    await writeFile(file, example ?? '');
    const run = await promisify(execFile)(process.execPath, ['--conditions=@osforge/source', file]);
    expect(run.stdout).toBe(output);
  } finally {
    await rm(file, { force: true });
  }
});

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { run } from '@osforge/process';

test('the example of the README does what the README shows', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example = '', output = 'missing'] =
    /```ts\n([^]*?)```\n[^]*?```text\n([^]*?)```/.exec(readme) ?? [];
  const file = join(import.meta.dirname, '.readme-example.ts');
  await writeFile(file, example);
  try {
    const result = await run(process.execPath, ['--conditions=@osforge/source', file], {
      timeoutMs: 180_000,
    });
    expect(`${result.stdout}\n`).toBe(output);
  } finally {
    await rm(file);
  }
});

import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the example of the README prints what the README says', { timeout: 300_000 }, async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, code = '', output = ''] = /```ts\n(.*?)```\n\n```\n(.*?)```/s.exec(readme) ?? [];
  const script = join(import.meta.dirname, '.readme-example.ts');
  await writeFile(script, code);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@osforge/source', script]);
    expect(stdout).toBe(output);
    expect(output).toContain('inputs changed: greeting');
  } finally {
    await rm(script);
  }
});

import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');

test.each([
  'Start and stop: the init graph',
  'Memory pressure',
  'Pools and the ring buffer',
  'What is still open: the resource tracker',
])('the example of "%s" prints what the README says', async (heading) => {
  const [, section] = readme.split(`\n## ${heading}\n`);
  const [, example, output] = /```ts\n([^]*?)```[^]*?```text\n([^]*?)```/.exec(section ?? '') ?? [];
  if (example === undefined) throw new Error(`README.md has no example under "${heading}"`);
  const file = join(import.meta.dirname, `.readme-${heading.slice(0, 5).toLowerCase()}.ts`);
  await writeFile(file, example);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@osforge/source', file]);
    expect(stdout).toBe(output);
  } finally {
    await rm(file, { force: true });
  }
});

import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { tool } from './temp.ts';

test('the example in the README prints what the README says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [, code, output] = /```ts\n(.*?)```\s+```text\n(.*?)```/s.exec(readme) ?? [];
  const file = fileURLToPath(new URL('.readme-example.ts', import.meta.url));
  onTestFinished(() => rm(file, { force: true }));
  await writeFile(file, code ?? '');
  expect(await tool(process.execPath, '--conditions=@osforge/source', file)).toBe(output);
});

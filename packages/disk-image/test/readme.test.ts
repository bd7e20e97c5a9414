import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { tool } from './temp.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```\s+```text\n(.*?)```/gs)].map(
  ([, code = '', output = '']) => ({ code, output }),
);

test.each(examples.map((example, index) => ({ ...example, number: index + 1 })))(
  'example $number of the README prints what the README says',
  async ({ code, output, number }) => {
    const file = fileURLToPath(new URL(`.readme-example-${number}.ts`, import.meta.url));
    onTestFinished(() => rm(file, { force: true }));
    await writeFile(file, code);
    expect(await tool(process.execPath, '--conditions=@osforge/source', file)).toBe(output);
  },
);

test('there are examples of disks and of FFU', () => {
  expect(examples.map(({ code }) => code.includes('captureFfu'))).toContain(true);
  expect(examples.length).toBeGreaterThan(1);
});

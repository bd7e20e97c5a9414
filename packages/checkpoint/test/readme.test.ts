import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

test("the README's example prints what the README shows", () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example = '', output = ''] = /```ts\n(.*?)```\n\n```text\n(.*?)```/s.exec(readme) ?? [];
  const file = join(import.meta.dirname, '.readme-example.ts');
  writeFileSync(file, example);
  onTestFinished(() => {
    rmSync(file);
  });
  const printed = execFileSync(process.execPath, ['--conditions=@osforge/source', file], {
    encoding: 'utf8',
  });
  expect(output).not.toBe('');
  expect(printed).toBe(output);
});

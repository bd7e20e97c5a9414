import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { after, tool } from './scratch.ts';

test('the example of the README runs and prints what it says', () => {
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const [, example = '', printed = ''] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
  const file = join(import.meta.dirname, '.readme-example.ts'); // within the package, to resolve its name
  writeFileSync(file, example);
  after(() => {
    rmSync(file);
  });
  const output = execFileSync(process.execPath, ['--conditions=@osforge/source', '--no-warnings', file], {
    encoding: 'utf8',
  });
  const inMemory = tool('stat', '--file-system', '--format=%T', tmpdir()) === 'tmpfs';
  expect(output).toBe(
    inMemory ? printed.replace('read from the device', 'tmpfs keeps its files in memory') : printed,
  );
});

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { cliInShell, repository } from './support/run-cli.ts';
import { test } from './support/temporary.ts';

test('the example of the README runs and prints what it says', async ({ folder }) => {
  const readme = await readFile(path.join(repository, 'apps', 'cli', 'README.md'), 'utf8');
  const [, example = '', printed = ''] = /```sh\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
  expect(example).toContain('osforge plan');
  const run = await cliInShell(`set -e; program=("$@"); osforge() { "\${program[@]}" "$@"; }\n${example}`, {
    env: { OUT: folder },
  });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toBe(printed.replaceAll('$OUT', folder));
});

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { cli, cliInShell } from './support/run-cli.ts';
import { test } from './support/temporary.ts';

const good = 'recipes/debian-no-apps.yaml';

/** A build of which there is only this record. */
async function withRecord(folder: string, text: string): Promise<string> {
  const state = path.join(folder, 'debian-no-apps', '.osforge');
  await mkdir(state, { recursive: true });
  const record = path.join(state, 'checkpoint-debian-no-apps.json');
  await writeFile(record, text);
  return record;
}

test('the record of a newer release: not touched, not built upon, said so', async ({ folder }) => {
  const text = '{"version":99}';
  const record = await withRecord(folder, text);
  for (const command of ['build-image', 'plan']) {
    const { code, stdout, stderr } = await cli([command, good, '--out', folder]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^error: .*has version 99, this release knows up to 2: use the newer release, or another build id\n/,
    );
  }
  expect(await readFile(record, 'utf8')).toBe(text);
  const list = await cli(['builds', 'list', '--out', folder]);
  expect(list.stdout).toMatch(/^debian-no-apps +invalid .*has version 99/m);
});

test('no standard input, output or error at all', async ({ folder }) => {
  const { code, stdout } = await cliInShell('"$@" builds list --out "$OUT" <&- >&- 2>&-; echo $?', {
    env: { OUT: folder },
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: '0\n' });
});

test('a result that cannot be written is a failure', async () => {
  const { stdout, stderr } = await cliInShell(`"$@" recipe check ${good} > /dev/full; echo $?`);
  expect(stdout).toBe('1\n');
  expect(stderr).toContain('standard output could not be written: ');
});

test('a reader that has had enough is none', async () => {
  const { stdout, stderr } = await cliInShell(
    `"$@" recipe check ${Array.from({ length: 50 }, () => good).join(' ')} | head -1; echo "\${PIPESTATUS[0]}"`,
  );
  expect({ stdout, stderr }).toEqual({ stdout: `${good}: ok (debian-no-apps)\n0\n`, stderr: '' });
});

test('help that cannot be written is a failure as well', async () => {
  const { stdout, stderr } = await cliInShell('"$@" --help > /dev/full; echo $?');
  expect(stdout).toBe('1\n');
  expect(stderr).toContain('standard output could not be written: ');
});

test.each([
  ['builds', 'list'],
  ['builds', 'show', 'x'],
  ['builds', 'clean', 'x'],
  ['plan', good],
])('a file as the folder of all builds is wrong usage: %s %s', async (...command) => {
  const { code, stdout, stderr } = await cli([...command, '--out', good]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^error: --out \S+: it is a file, or lies below one; /);
});

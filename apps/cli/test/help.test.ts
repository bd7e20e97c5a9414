import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../src/program.ts';
import { cli, repository } from './support/run-cli.ts';
import { fakeHost } from './support/fake-host.ts';
import type { Command } from 'commander';

function leaves(command: Command, names: readonly string[] = []): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path: names.join(' '), command }];
  return command.commands.flatMap((child) => leaves(child, [...names, child.name()]));
}

const commands = leaves(createProgram(fakeHost(), () => {}));

test('help and version go to standard output with code 0', async () => {
  const help = await cli(['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('build-image');
  const version = await cli(['--version']);
  expect(version.code).toBe(0);
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
});

test.each(commands.map(({ path }) => path))('osforge %s has help of its own', async (name) => {
  const help = await cli([...name.split(' '), '--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain(`Usage: osforge ${name}`);
});

describe('docs/cli.md', () => {
  test.each(commands)('describes osforge $path and every flag of it', async ({ path: name, command }) => {
    const docs = await readFile(path.join(repository, 'docs', 'cli.md'), 'utf8');
    const section = docs.split(/^## /m).find((text) => text.startsWith(`\`osforge ${name}`));
    expect(section, `docs/cli.md has no section for osforge ${name}`).toBeDefined();
    for (const { long, short } of command.options) {
      expect(section).toContain(`\`${long ?? ''}`);
      if (short) expect(section).toContain(`\`${short}\``);
    }
  });

  test('describes no flag that does not exist', async () => {
    const docs = await readFile(path.join(repository, 'docs', 'cli.md'), 'utf8');
    const known = new Set(commands.flatMap(({ command }) => command.options.map(({ long }) => long)));
    known.add('--help').add('--version');
    const named = [...docs.matchAll(/^\| (?:`-\w`, )?`(--[\w-]+)/gm)].map((match) => match[1]);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });
});

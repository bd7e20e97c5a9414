import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cpioArchive, type CpioEntry } from '../../src/installer/cpio.ts';

const entries: readonly CpioEntry[] = [
  { kind: 'file', path: 'usr/bin/tool', executable: true, content: Buffer.from('#!/bin/sh\n') },
  { kind: 'file', path: 'etc/empty', executable: false, content: Buffer.alloc(0) },
  // Names and contents of every length modulo four.
  ...[1, 2, 3, 4].map((length): CpioEntry => ({
    kind: 'file',
    path: `data/${'n'.repeat(length)}`,
    executable: false,
    content: () => Promise.resolve(Buffer.alloc(length, 'x')),
  })),
  { kind: 'link', path: 'bin', target: 'usr/bin' },
  { kind: 'character-device', path: 'dev/console', major: 5, minor: 1 },
  { kind: 'folder', path: 'proc' },
];

async function bytesOf(of: readonly CpioEntry[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of cpioArchive(of, 1_700_000_000)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test('cpio(1) reads what was put in, as root and with the one time stamp', async () => {
  const input = await bytesOf(entries);
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const list = execFileSync('cpio', ['-itv', '--numeric-uid-gid', '--quiet'], {
    input,
    env,
    encoding: 'utf8',
  });
  const shown = list
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '));
  expect(shown).toEqual([
    'lrwxrwxrwx 1 0 0 7 Nov 14 2023 bin -> usr/bin',
    'drwxr-xr-x 2 0 0 0 Nov 14 2023 data',
    ...[1, 2, 3, 4].map((length) => `-rw-r--r-- 1 0 0 ${length} Nov 14 2023 data/${'n'.repeat(length)}`),
    'drwxr-xr-x 2 0 0 0 Nov 14 2023 dev',
    'crw------- 1 0 0 5, 1 Nov 14 2023 dev/console',
    'drwxr-xr-x 2 0 0 0 Nov 14 2023 etc',
    '-rw-r--r-- 1 0 0 0 Nov 14 2023 etc/empty',
    'drwxr-xr-x 2 0 0 0 Nov 14 2023 proc',
    'drwxr-xr-x 2 0 0 0 Nov 14 2023 usr',
    'drwxr-xr-x 2 0 0 0 Nov 14 2023 usr/bin',
    '-rwxr-xr-x 1 0 0 10 Nov 14 2023 usr/bin/tool',
  ]);
  const read = execFileSync('cpio', ['-i', '--to-stdout', '--quiet', 'usr/bin/tool', 'data/*'], {
    input,
    env,
  });
  expect(read.toString()).toBe('xxxxxxxxxx#!/bin/sh\n');
});

test('the order of the entries does not matter', async () => {
  expect((await bytesOf([...entries].reverse())).equals(await bytesOf(entries))).toBe(true);
});

test('two entries of one path are told, not written', async () => {
  const one: CpioEntry = { kind: 'file', path: 'init', executable: true, content: Buffer.alloc(1) };
  await expect(bytesOf([one, one])).rejects.toThrow('two entries of the archive are called init');
});

import { chmod, chown, copyFile, link, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tempFolder, tool } from './temp.ts';

const fixture = fileURLToPath(new URL('fixtures/build-disk.ts', import.meta.url));
const user = 61_234;

// A user id that is in no table of the system, without groups and without any way back to root.
const asNobody = [
  '--reuid',
  String(user),
  '--regid',
  String(user),
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all',
];

// The checkout may lie where only its owner can read: Node and the bundled fixture are put where everybody can.
let programs = '';
let node: readonly string[] = [];

beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'osforge-nobody-'));
  await chmod(programs, 0o755);
  const binary = join(programs, 'node');
  await link(process.execPath, binary).catch(() => copyFile(process.execPath, binary));
  await build({
    entry: [fixture],
    config: false,
    silent: true,
    format: 'esm',
    platform: 'node',
    outDir: join(programs, 'dist'),
    noExternal: [/.*/],
    outExtension: () => ({ js: '.mjs' }),
    esbuildOptions: (options) => {
      options.conditions = ['@osforge/source'];
    },
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  node = [binary, join(programs, 'dist/build-disk.mjs')];
}, 300_000);

afterAll(() => rm(programs, { recursive: true, force: true }));

async function prepare(): Promise<string> {
  const folder = await tempFolder();
  await mkdir(join(folder, 'tree/etc'), { recursive: true });
  await writeFile(join(folder, 'tree/etc/hostname'), 'golden\n');
  await chmod(folder, 0o755);
  for (const path of ['', 'tree', 'tree/etc', 'tree/etc/hostname'])
    await chown(join(folder, path), user, user);
  return folder;
}

async function checkDisk(folder: string): Promise<void> {
  const image = join(folder, 'disk.raw');
  expect((await stat(image)).uid).toBe(user);
  expect((await stat(image)).blocks * 512).toBeLessThan(8 * 1024 * 1024);
  expect(await tool('sgdisk', '-v', image)).toContain('No problems found');
  await tool('e2fsck', '-f', '-n', `${image}?offset=${65 * 1024 * 1024}`);
  expect(await tool('mtype', '-i', `${image}@@1M`, '::/EFI/BOOT/BOOTX64.EFI')).toBe('loader');
}

test('as root: a fresh user without privileges builds GPT, ESP and ext4 from a tree', async () => {
  const folder = await prepare();
  const report: unknown = JSON.parse(
    await tool(
      'setpriv',
      ...asNobody,
      'env',
      `--chdir=${folder}`,
      `HOME=${folder}`,
      `TMPDIR=${folder}`,
      ...node,
      folder,
    ),
  );
  expect(report).toEqual({
    uid: user,
    partitions: ['ESP', 'root'],
    fat: false,
    ext4: 'clean',
    owners: [0, user],
    entries: 4,
  });
  await checkDisk(folder);
});

test('as root: the same user inside a user namespace of its own builds a tree that belongs to root', async () => {
  const folder = await prepare();
  const report: unknown = JSON.parse(
    await tool(
      'setpriv',
      ...asNobody.slice(0, 5),
      'unshare',
      '--user',
      '--map-root-user',
      'env',
      `--chdir=${folder}`,
      `HOME=${folder}`,
      `TMPDIR=${folder}`,
      ...node,
      folder,
    ),
  );
  expect(report).toMatchObject({ uid: 0, owners: [0], ext4: 'clean', entries: 4 });
  await checkDisk(folder);
});

import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAptWorkspace } from '../../src/packages/apt-workspace.ts';
import { delta, downloadSize } from '../../src/packages/resolved-package.ts';
import { sourcesForRecipe } from '../../src/packages/recipe-sources.ts';
import { recipeSchema } from '../../src/recipe/schema/recipe-schema.ts';
import { temporaryFolder } from './local-archive.ts';

const recipe = recipeSchema.parse({ version: 1, name: 'box' });
const base = ['systemd-sysv', 'udev', 'dbus', 'linux-image-cloud-amd64', 'systemd-boot', 'e2fsprogs', 'zstd'];

test("a whole system of the machine's own Debian archive", { timeout: 300_000 }, async () => {
  const workspace = await openAptWorkspace({
    directory: await temporaryFolder(),
    sources: await sourcesForRecipe(recipe),
  });
  const indexes = await workspace.refreshIndexes();
  expect(indexes.map(({ codename, origin }) => `${origin} ${codename}`)).toEqual(
    expect.arrayContaining(['Debian bookworm', 'Debian bookworm-security']),
  );

  const system = await workspace.resolve({ install: base });
  const names = system.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['apt', 'dpkg', 'base-files', 'libc6', 'mount', 'tzdata', ...base]),
  );
  expect(names.some((name) => /^linux-image-6\.1\.0-\d+-cloud-amd64$/.test(name))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
  expect(downloadSize(system)).toBeGreaterThan(30_000_000);

  const withNginx = await workspace.resolve({ install: [...base, 'nginx'] });
  const added = await workspace.resolve({ install: ['nginx'], besides: system });
  expect(added.map(({ name }) => name)).toContain('nginx');
  expect(delta(system, withNginx).map(({ name }) => name)).toEqual(added.map(({ name }) => name));
  await expect(workspace.resolve({ install: ['ngnix'] })).rejects.toMatchObject({
    code: 'PACKAGES_UNKNOWN',
    packages: [{ name: 'ngnix', nearest: expect.arrayContaining(['nginx']) as string[] }],
  });
  const report = await workspace.download(added, await temporaryFolder());
  expect(report.downloadedBytes).toBe(downloadSize(added));
});

test(
  'the same as a fresh user without rights (as root, becomes that user)',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o755);
    const mine = join(folder, 'mine');
    await mkdir(mine);
    const isRoot = process.getuid?.() === 0;
    const uid = isRoot ? 48_611 : (process.getuid?.() ?? 0);
    if (isRoot) await chown(mine, uid, uid);
    const sources = join(import.meta.dirname, '../../src/packages');
    const script = `
    const { openAptWorkspace } = await import(${JSON.stringify(join(sources, 'apt-workspace.ts'))});
    const { sourcesForRecipe } = await import(${JSON.stringify(join(sources, 'recipe-sources.ts'))});
    const { buildRepository } = await import(${JSON.stringify(join(sources, 'repository.ts'))});
    const folder = process.argv[1];
    const sources = await sourcesForRecipe(${JSON.stringify({ distribution: recipe.distribution, updates: recipe.updates })});
    const workspace = await openAptWorkspace({ directory: folder + '/apt', sources });
    await workspace.refreshIndexes();
    const system = await workspace.resolve({ install: [] });
    const set = await workspace.resolve({ install: ['nginx'], besides: system });
    await workspace.download(set, folder + '/pool');
    await buildRepository(folder + '/repository', set, { archiveDirectory: folder + '/pool' });
    console.log(JSON.stringify({ uid: process.getuid(), system: system.length, set: set.map(({ name }) => name) }));`;
    const node = [
      process.execPath,
      '--conditions=@osforge/source',
      '--input-type=module',
      '-e',
      script,
      mine,
    ];
    const asUser = join(import.meta.dirname, '../../../../tools/as-user/as-user.sh');
    const [program = '', ...args] = isRoot ? [asUser, String(uid), ...node] : node;
    const output = execFileSync(program, args, {
      encoding: 'utf8',
      cwd: mine,
      env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
    });
    const result = JSON.parse(output.trim().split('\n').at(-1) ?? '') as {
      uid: number;
      system: number;
      set: string[];
    };
    expect(result.uid).toBe(uid);
    expect(result.system).toBeGreaterThan(50);
    expect(result.set).toContain('nginx');
    const archives = (await readdir(join(mine, 'repository'))).filter((name) => name.endsWith('.deb'));
    expect(archives).toHaveLength(result.set.length);
    expect((await stat(join(mine, 'repository', archives[0] ?? ''))).uid).toBe(uid);
  },
);

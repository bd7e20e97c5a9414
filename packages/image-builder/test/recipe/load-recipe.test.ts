import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load-recipe.ts';
import { RecipeError } from '../../src/recipe/recipe-error.ts';
import type { Diagnostic } from '../../src/recipe/diagnostic.ts';
import { folderWith } from './folder.ts';

/** The diagnostics of a recipe that must be refused. */
async function refused(text: string, files: Record<string, string> = {}): Promise<readonly Diagnostic[]> {
  const folder = await folderWith({ ...files, 'recipe.yaml': text });
  const error: unknown = await loadRecipe(join(folder, 'recipe.yaml')).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RecipeError)) throw new Error(`not refused with a RecipeError: ${String(error)}`);
  expect(error.code).toBe('RECIPE_INVALID');
  expect(error.diagnostics.length).toBeGreaterThan(0);
  return error.diagnostics;
}

const places = (diagnostics: readonly Diagnostic[]): string[] =>
  diagnostics.map(({ line, column, field }) => `${line}:${column} ${field}`);

const head = 'version: 1\nname: box\n';

describe('a good recipe', () => {
  test('gets every default', async () => {
    const folder = await folderWith({ 'recipe.yaml': head });
    const loaded = await loadRecipe(join(folder, 'recipe.yaml'));
    expect(loaded.directory).toBe(folder);
    expect(loaded.path).toBe(join(folder, 'recipe.yaml'));
    expect(loaded.sha256).toBe(createHash('sha256').update(head).digest('hex'));
    expect(loaded.recipe).toEqual({
      version: 1,
      name: 'box',
      distribution: { id: 'debian', release: 'bookworm', components: ['main'] },
      updates: { security: true, stable: true },
      system: {
        hostname: 'box',
        locale: 'C.UTF-8',
        timezone: 'Etc/UTC',
        kernel: 'linux-image-cloud-amd64',
        kernelCommandLine: [],
        packages: [],
      },
      disk: { sizeBytes: 4 * 1024 ** 3, sectorSize: 512, espSizeBytes: 256 * 1024 ** 2, rootLabel: 'root' },
      users: [],
      drivers: { packages: [] },
      apps: [],
      vm: {
        memoryMiB: 1024,
        cpus: 2,
        accelerator: 'auto',
        timeouts: { bootMs: 300_000, appMs: 900_000, shutdownMs: 120_000 },
      },
      capture: { formats: ['qcow2', 'vhdx'] },
      media: false,
      usb: false,
      reproducible: {},
    });
  });

  test('has units resolved', async () => {
    const folder = await folderWith({
      'recipe.yaml': `${head}disk: { size: 3500M }
vm: { memory: 2G, timeouts: { boot: 90, app: 1h, shutdown: 30s } }
apps: [{ name: a, files: [{ source: motd, target: /etc/motd, mode: "0755" }], checks: [{ unit: a.service, active: false }, { command: [test, -f, /etc/motd] }] }]
`,
      motd: 'hi',
    });
    const { recipe } = await loadRecipe(join(folder, 'recipe.yaml'));
    expect(recipe.disk.sizeBytes).toBe(3500 * 1024 ** 2);
    expect(recipe.vm.memoryMiB).toBe(2048);
    expect(recipe.vm.timeouts).toEqual({ bootMs: 90_000, appMs: 3_600_000, shutdownMs: 30_000 });
    expect(recipe.apps[0]).toEqual({
      name: 'a',
      packages: [],
      files: [{ source: 'motd', target: '/etc/motd', mode: 0o755, owner: 'root:root' }],
      scripts: [],
      checks: [{ unit: 'a.service', active: false }, { command: ['test', '-f', '/etc/motd'] }],
    });
  });

  test('may use a few aliases', async () => {
    const folder = await folderWith({
      'recipe.yaml': `${head}system: { packages: &p [vim] }\ndrivers: { packages: *p }\n`,
    });
    const { recipe } = await loadRecipe(join(folder, 'recipe.yaml'));
    expect(recipe.drivers.packages).toEqual(['vim']);
  });
});

describe('YAML', () => {
  test('a syntax error has its place', async () => {
    const [first] = await refused(`${head}apps: [nginx\nusers: []\n`);
    expect(first).toMatchObject({ line: 4, column: 1 });
  });

  test('a duplicate key has its place', async () => {
    const [first] = await refused(`${head}name: again\n`);
    expect(first).toMatchObject({ line: 3, column: 1, message: expect.stringContaining('"name"') as string });
  });

  test.each([
    ['a custom tag', `${head}description: !secret x\n`, 3],
    ['a binary tag', `${head}description: !!binary aGk=\n`, 3],
    ['two documents', `${head}---\nversion: 1\n`, 3],
    ['a tab as indent', `version: 1\nname: box\ndisk:\n\tsize: 4G\n`, 4],
    ['an unknown alias', `${head}description: *gone\n`, 3],
    ['an alias in its own anchor', `${head}apps: &a [*a]\n`, 3],
  ])('%s is refused', async (_what, text, line) => {
    const [first] = await refused(text);
    expect(first?.line).toBe(line);
  });

  test('an alias bomb is refused without being expanded', async () => {
    const levels = Array.from({ length: 20 }, (_, at) =>
      at === 0
        ? 'a0: &a0 [x, x]'
        : `a${at}: &a${at} [${Array(3)
            .fill(`*a${at - 1}`)
            .join(', ')}]`,
    );
    const diagnostics = await refused(`${head}${levels.join('\n')}\n`);
    expect(diagnostics.some(({ message }) => /alias/i.test(message))).toBe(true);
  });

  test('many aliases are refused', async () => {
    const [first] = await refused(
      `${head}system: { packages: [&p vim, ${Array(65).fill('*p').join(', ')}] }\n`,
    );
    expect(first?.message).toContain('aliases');
  });

  test('nesting without end is refused', async () => {
    const [first] = await refused(`${head}description: ${'['.repeat(50_000)}`);
    expect(first?.line).toBe(3);
  });

  test.each([
    ['empty', ''],
    ['only a comment', '# nothing\n'],
    ['a list', '- version: 1\n'],
    ['a text', 'hello\n'],
  ])('%s is refused', async (_what, text) => {
    const [first] = await refused(text);
    expect(first).toMatchObject({ line: 1, column: 1 });
  });
});

describe('fields', () => {
  test('an unknown key is placed at the key and the nearest name is suggested', async () => {
    const diagnostics = await refused(`${head}apps:\n  - name: web\n    pakages: [nginx]\n    scripts: []\n`);
    expect(diagnostics).toEqual([
      expect.objectContaining({
        line: 5,
        column: 5,
        length: 7,
        field: 'apps[0].pakages',
        message: 'unknown key "pakages"',
        remedy: 'Did you mean "packages"?',
      }),
    ]);
  });

  test('an unknown key without a near name lists what is possible', async () => {
    const [first] = await refused(`${head}disk: { zebra: 1 }\n`);
    expect(first?.expected).toContain('espSize');
    expect(first?.remedy).toBe('Remove the key.');
  });

  test('__proto__ is an unknown key like any other', async () => {
    const diagnostics = await refused(`${head}__proto__: { media: true }\n`);
    expect(places(diagnostics)).toEqual(['3:1 __proto__']);
  });

  test('several errors are reported at once, in order', async () => {
    const diagnostics = await refused(
      `version: 2\nname: Box\ndisk: { size: 4 }\nvm: { accelerator: kvmm, cpus: 0 }\nusb: yes\nmedia: true\napps: nginx\n`,
    );
    expect(places(diagnostics)).toEqual([
      '1:10 version',
      '2:7 name',
      '3:15 disk.size',
      '4:20 vm.accelerator',
      '4:32 vm.cpus',
      '5:6 usb',
      '6:8 media',
      '7:7 apps',
    ]);
    expect(diagnostics[3]?.remedy).toBe('Did you mean "kvm"?');
    expect(diagnostics[5]?.remedy).toContain('true or false');
    expect(diagnostics[6]?.message).toContain('true does not say which media');
  });

  test('a missing key is placed at what it is missing from', async () => {
    const diagnostics = await refused(`version: 1\napps:\n  - packages: [nginx]\n`);
    expect(diagnostics.map(({ field, message }) => [field, message])).toEqual([
      ['name', '"name" is missing'],
      ['apps[0].name', '"name" is missing'],
    ]);
    expect(places(diagnostics)[1]).toBe('3:5 apps[0].name');
  });

  test.each([
    ['a package', 'system: { packages: [Nginx] }', 'system.packages[0]'],
    ['a package that is an option', 'system: { packages: [--force-yes] }', 'system.packages[0]'],
    ['a package with a shell in it', 'system: { packages: ["nginx; reboot"] }', 'system.packages[0]'],
    ['a kernel', 'system: { kernel: "linux image" }', 'system.kernel'],
    ['a host name', 'system: { hostname: web_1 }', 'system.hostname'],
    ['a user', 'users: [{ name: Operator }]', 'users[0].name'],
    ['a user that Debian has', 'users: [{ name: www-data }]', 'users[0].name'],
    ['a user with the name of a group that gives rights', 'users: [{ name: sudo }]', 'users[0].name'],
    ['a unit', 'apps: [{ name: a, packages: [vim], checks: [{ unit: nginx }] }]', 'apps[0].checks[0].unit'],
    ['a size', 'disk: { size: 4GB }', 'disk.size'],
    ['a duration', 'vm: { timeouts: { app: 5 minutes } }', 'vm.timeouts.app'],
    ['a time zone', 'system: { timezone: Europe/Zurick }', 'system.timezone'],
    ['a snapshot', 'distribution: { snapshot: 2025-05-20 }', 'distribution.snapshot'],
    ['an address with a password', 'distribution: { mirror: "http://u:p@h/debian" }', 'distribution.mirror'],
    ['a sector size', 'disk: { sectorSize: 4096 }', 'disk.sectorSize'],
    ['a kernel argument', 'system: { kernelCommandLine: ["a b"] }', 'system.kernelCommandLine[0]'],
    [
      'a variable',
      'apps: [{ name: a, packages: [vim], scripts: [{ path: s, env: { A-B: x } }] }]',
      'apps[0].scripts[0].env.A-B',
    ],
    ['a shell that passwd(5) cannot hold', 'users: [{ name: o, shell: "/bin/a:b" }]', 'users[0].shell'],
    [
      'a target with a line break',
      'apps: [{ name: a, files: [{ source: s, target: "/e\\n/etc/shadow" }] }]',
      'apps[0].files[0].target',
    ],
    [
      'an argument with a line break',
      'apps: [{ name: a, packages: [vim], checks: [{ command: [test, "a\\nb"] }] }]',
      'apps[0].checks[0].command[1]',
    ],
    ['a target', 'apps: [{ name: a, files: [{ source: s, target: etc/motd }] }]', 'apps[0].files[0].target'],
    [
      'a mode that is a number',
      'apps: [{ name: a, files: [{ source: s, target: /e, mode: 0644 }] }]',
      'apps[0].files[0].mode',
    ],
  ])('%s of the wrong form is refused', async (_what, line, field) => {
    const diagnostics = await refused(`${head}${line}\n`, { s: '' });
    expect(diagnostics.map((diagnostic) => diagnostic.field)).toEqual([field]);
    expect(diagnostics[0]?.line).toBe(3);
    expect(diagnostics[0]?.expected).toBeTruthy();
  });

  test.each([
    ['[{ comand: [x] }]', 'unknown key "comand"', 'Did you mean "command"?'],
    ['[{}]', 'apps[0].checks[0] has none of the keys it needs', 'Add one of the keys.'],
    [
      '[{ unit: a.service, command: [x] }]',
      '"unit" and "command" exclude each other',
      'Make two entries of it.',
    ],
    ['[{ command: [] }]', 'the list is empty', undefined],
    ['[nginx.service]', '"nginx.service" where a mapping (key: value) belongs', undefined],
  ])('the check %s', async (checks, message, remedy) => {
    const [first, ...rest] = await refused(
      `${head}apps: [{ name: a, packages: [vim], checks: ${checks} }]\n`,
    );
    expect(rest).toEqual([]);
    expect(first?.message).toBe(message);
    expect(first?.remedy).toBe(remedy);
  });
});

describe('rules between fields', () => {
  test.each([
    [
      'two apps of one name',
      'apps: [{ name: a, packages: [vim] }, { name: a, packages: [nano] }]',
      'apps[1].name',
    ],
    ['two users of one name', 'users: [{ name: a }, { name: a }]', 'users[1].name'],
    ['an app of nothing', 'apps: [{ name: a }]', 'apps[0]'],
    [
      'a target in /proc',
      'apps: [{ name: a, files: [{ source: s, target: /proc/x }] }]',
      'apps[0].files[0].target',
    ],
    [
      'a target with ..',
      'apps: [{ name: a, files: [{ source: s, target: /etc/../x }] }]',
      'apps[0].files[0].target',
    ],
    ['a disk of its ESP only', 'disk: { size: 300M }', 'disk.size'],
    ['a tiny ESP', 'disk: { espSize: 8M }', 'disk.espSize'],
    [
      'a snapshot without archive',
      'distribution: { snapshot: 20250520T000000Z }\nupdates: { security: false }',
      'distribution.snapshot',
    ],
    ['an archive without snapshot', 'distribution: { mirror: "file:/a/{snapshot}" }', 'distribution.mirror'],
    [
      'a snapshot without a security archive',
      'distribution: { snapshot: 20250520T000000Z, mirror: "file:/a/{snapshot}" }',
      'distribution.snapshot',
    ],
  ])('%s is refused', async (_what, lines, field) => {
    const diagnostics = await refused(`${head}${lines}\n`, { s: '' });
    expect(diagnostics.map((diagnostic) => diagnostic.field)).toEqual([field]);
  });
});

describe('references', () => {
  const app = (source: string): string =>
    `${head}apps:\n  - name: a\n    files:\n      - source: ${source}\n        target: /etc/motd\n`;

  test('a missing file is placed, with the nearest name', async () => {
    const diagnostics = await refused(app('files/modt'), { 'files/motd': '' });
    expect(diagnostics).toEqual([
      expect.objectContaining({
        line: 6,
        column: 17,
        field: 'apps[0].files[0].source',
        message: '"files/modt" does not exist',
        remedy: 'Did you mean "files/motd"?',
      }),
    ]);
  });

  test('a missing file is reported beside an error of another kind', async () => {
    const diagnostics = await refused(`${app('gone')}usb: true\n`);
    expect(diagnostics.map(({ field }) => field)).toEqual(['apps[0].files[0].source', 'usb']);
  });

  test.each([
    ['../outside', 'leads out'],
    ['files/../../outside', 'leads out'],
    ['/etc/passwd', 'absolute'],
  ])('the path %s is refused', async (source, message) => {
    const diagnostics = await refused(app(source));
    expect(diagnostics.map((diagnostic) => diagnostic.line)).toContain(6);
    expect(diagnostics.map((diagnostic) => diagnostic.message).join()).toContain(message);
  });

  test('a symbolic link that leads out is refused, one that stays is not', async () => {
    const folder = await folderWith({ 'recipe.yaml': app('link'), inside: '' });
    await symlink('/etc/hostname', join(folder, 'link'));
    await expect(loadRecipe(join(folder, 'recipe.yaml'))).rejects.toThrow('symbolic link leads out');
    await writeFile(join(folder, 'recipe.yaml'), app('good'));
    await symlink('inside', join(folder, 'good'));
    await expect(loadRecipe(join(folder, 'recipe.yaml'))).resolves.toBeDefined();
  });

  test('a folder is no script and a file is no driver folder', async () => {
    const diagnostics = await refused(
      `${head}drivers: { folder: plain }\napps: [{ name: a, scripts: [{ path: folder }] }]\n`,
      { plain: '', 'folder/x': '' },
    );
    expect(diagnostics.map(({ field, message }) => `${field} ${message}`)).toEqual([
      'drivers.folder "plain" is not a folder',
      'apps[0].scripts[0].path "folder" is not a file',
    ]);
  });
});

describe('the file itself', () => {
  const whole = { line: 0, column: 0, field: '' };
  const problem = async (path: string): Promise<Diagnostic | undefined> => {
    const error: unknown = await loadRecipe(path).catch((reason: unknown) => reason);
    return error instanceof RecipeError ? error.diagnostics[0] : undefined;
  };

  test('is missing: the nearest name is suggested', async () => {
    const folder = await folderWith({ 'minimal.yaml': head });
    const path = join(folder, 'minimul.yaml');
    expect(await problem(path)).toMatchObject({
      ...whole,
      file: path,
      message: 'there is no such file',
      remedy: `Did you mean ${join(folder, 'minimal.yaml')}?`,
    });
  });

  test('is a folder, a pipe, not UTF-8, too large', async () => {
    const folder = await folderWith({
      latin: Uint8Array.of(0x6e, 0xe9),
      large: '#'.repeat(256 * 1024 + 1),
    });
    await mkdir(join(folder, 'folder'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await problem(join(folder, 'folder'))).toMatchObject({ ...whole, message: 'this is a folder' });
    expect(await problem(join(folder, 'pipe'))).toMatchObject({
      ...whole,
      message: 'this is not a regular file',
    });
    expect(await problem(join(folder, 'latin'))).toMatchObject({
      ...whole,
      message: 'the file is not UTF-8 text',
    });
    expect((await problem(join(folder, 'large')))?.message).toContain('bytes');
  });

  test('is not readable (as root, run as another user)', async () => {
    const folder = await folderWith({ 'recipe.yaml': head });
    await chmod(folder, 0o755);
    await chmod(join(folder, 'recipe.yaml'), 0o600);
    const script = `import { loadRecipe } from ${JSON.stringify(join(import.meta.dirname, '../../src/recipe/load-recipe.ts'))};
      await loadRecipe(process.argv[1]).catch((e) => console.log(JSON.stringify(e.diagnostics)));`;
    const node = [process.execPath, '--input-type=module', '-e', script, join(folder, 'recipe.yaml')];
    const asUser = join(import.meta.dirname, '../../../../tools/as-user/as-user.sh');
    const asOther = process.getuid?.() === 0 ? [asUser, '65534', ...node] : undefined;
    if (asOther === undefined) await chmod(join(folder, 'recipe.yaml'), 0);
    const [program = '', ...args] = asOther ?? node;
    const output = execFileSync(program, args, { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual([
      expect.objectContaining({ ...whole, message: 'no permission to read the file' }),
    ]);
  });
});

describe('the recipes of the repository', () => {
  const recipes = join(import.meta.dirname, '../../../../recipes');
  test.each(['debian-minimal.yaml', 'debian-no-apps.yaml', 'examples/web-server.yaml'])(
    '%s is valid and names the schema that exists',
    async (name) => {
      const path = join(recipes, name);
      await expect(loadRecipe(path)).resolves.toBeDefined();
      const schema = /^# yaml-language-server: \$schema=(.*)$/m.exec(await readFile(path, 'utf8'))?.[1];
      await expect(readFile(join(path, '..', schema ?? ''), 'utf8')).resolves.toContain('osforge recipe');
    },
  );
});

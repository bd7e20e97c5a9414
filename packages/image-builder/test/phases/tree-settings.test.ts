import { expect, test } from 'vitest';
import { diskIdentifiers } from '../../src/build/identifiers.ts';
import {
  basePackages,
  kernelCommandLine,
  loaderFiles,
  settingsFiles,
} from '../../src/phases/tree-settings.ts';
import { checkRecipeText } from '../../src/recipe/load-recipe.ts';

const identifiers = diskIdentifiers('x');
const recipe = (yaml: string) =>
  checkRecipeText(`version: 1\nname: x\n${yaml}`, { file: 'x.yaml', directory: '/' });

test('the boot entry names the kernel on the ESP and the root partition by its own id', async () => {
  const [loader, entry] = loaderFiles(await recipe(''), identifiers, '6.1.0-1-cloud-amd64');
  expect(loader?.path).toBe('loader/loader.conf');
  expect(entry?.path).toBe('loader/entries/debian-6.1.0-1-cloud-amd64.conf');
  expect(entry?.content).toContain('linux /debian/6.1.0-1-cloud-amd64/linux\n');
  expect(entry?.content).toContain(
    `options root=PARTUUID=${identifiers.root} ro console=tty0 console=ttyS0,115200\n`,
  );
});

test('a console of the recipe replaces the default ones', async () => {
  const line = kernelCommandLine(
    await recipe('system: {kernelCommandLine: [console=ttyS1, quiet]}'),
    identifiers,
  );
  expect(line).toBe(`root=PARTUUID=${identifiers.root} ro console=ttyS1 quiet`);
});

test('packages follow from settings, each once', async () => {
  const plain = basePackages(await recipe(''));
  const rich = basePackages(
    await recipe(
      'system: {locale: de_DE.UTF-8, timezone: Europe/Berlin, packages: [vim-tiny, zstd]}\nusers: [{name: u, sudo: true}]',
    ),
  );
  expect(plain).not.toContain('sudo');
  expect(rich.filter((name) => !plain.includes(name)).sort()).toEqual([
    'locales',
    'sudo',
    'tzdata',
    'vim-tiny',
  ]);
  expect(new Set(rich).size).toBe(rich.length);
});

test('only a sudo user without a password gets sudo without one', async () => {
  const files = settingsFiles(
    await recipe(
      'users: [{name: keyed, sudo: true}, {name: worded, sudo: true, password: env:HASH}, {name: plain}]',
    ),
    identifiers,
    '',
  );
  expect(files.find(({ path }) => path === 'etc/sudoers.d/osforge')).toEqual({
    path: 'etc/sudoers.d/osforge',
    content: 'keyed ALL=(ALL:ALL) NOPASSWD: ALL\n',
    mode: 0o440,
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { installerAssets } from '../../src/asset.ts';
import { InstallerSettingsError } from '../../src/installer/errors.ts';
import { formatNames } from '../../src/installer/names-list.ts';
import { formatSettings, type InstallerSettings } from '../../src/installer/settings.ts';

const plain: InstallerSettings = {
  name: 'box',
  imageBytes: 4_294_967_296,
  sectorSize: 512,
  select: 'serial',
  serials: ['A', 'B C'],
  minBytes: 1,
  maxBytes: 9_007_199_254_740_991,
  several: 'refuse',
  overwrite: 'never',
  grow: false,
  hostnameTemplate: 'lab-{serial}',
  counterDigits: 4,
  after: 'poweroff',
  payload: 'http',
  mediumId: '0123456789abcdef',
};

/** What the installer's own program reads from a settings file, by the names of its variables. */
async function readByInstaller(text: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-settings-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'settings'), text);
  const assets = await installerAssets();
  const part = (name: string): string => assets.find((path) => path.endsWith(`/${name}.sh`)) ?? name;
  const names = [
    ...['name', 'image_bytes', 'sector_size', 'select', 'serials', 'min_bytes', 'max_bytes', 'several'],
    ...['overwrite', 'grow', 'hostname_template', 'counter_digits', 'after', 'payload', 'medium_id'],
  ];
  const script = `set -u
. "$1"; . "$2"
refuse() { printf 'refused=%s\\0' "$1"; exit 0; }
read_settings settings
${names.map((name) => `printf '%s=%s\\0' ${name} "$setting_${name}"`).join('\n')}`;
  const output = execFileSync('sh', ['-c', script, 'sh', part('consoles'), part('settings')], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(await readdir(folder)).toEqual(['settings']);
  return Object.fromEntries(
    output
      .split('\0')
      .filter((one) => one !== '')
      .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

test('the installer reads what was written', async () => {
  expect(await readByInstaller(formatSettings(plain))).toEqual({
    name: 'box',
    image_bytes: '4294967296',
    sector_size: '512',
    select: 'serial',
    serials: 'A\nB C\n',
    min_bytes: '1',
    max_bytes: '9007199254740991',
    several: 'refuse',
    overwrite: 'never',
    grow: '0',
    hostname_template: 'lab-{serial}',
    counter_digits: '4',
    after: 'poweroff',
    payload: 'http',
    medium_id: '0123456789abcdef',
  });
});

test.each([
  '$(touch pwned)',
  '`touch pwned`',
  '"; touch pwned; "',
  "'; touch pwned; '",
  '\\n \\0 \\',
  '  spaces at both ends  ',
  '* ? [a-z] ~ %s %d',
  'name name2 = value',
  'größe 😀',
])('a value stays a text: %s', async (text) => {
  const read = await readByInstaller(
    formatSettings({ ...plain, name: text, serials: [text, 'next'], hostnameTemplate: text }),
  );
  expect(read).toMatchObject({ name: text, serials: `${text}\nnext\n`, hostname_template: text });
});

test('what is left out has its default, and a setting of another version is refused', async () => {
  const bare = { ...plain, serials: [], minBytes: undefined, maxBytes: undefined };
  const read = await readByInstaller(
    formatSettings({ ...bare, hostnameTemplate: undefined, counterDigits: undefined }),
  );
  expect(read).toMatchObject({
    serials: '',
    min_bytes: '',
    max_bytes: '',
    hostname_template: '',
    counter_digits: '3',
  });
  expect(await readByInstaller('sideways 1\n')).toEqual({
    refused: 'this installer does not know its own setting "sideways".',
  });
});

test('what would arrive as something else is not written', () => {
  const bad: Partial<InstallerSettings>[] = [
    { name: 'a\nafter reboot' },
    { name: '' },
    { serials: ['a\u0000b'] },
    { hostnameTemplate: 'a\u001b[2Jb' },
    { imageBytes: Number.NaN },
    { minBytes: -1 },
    { maxBytes: 1.5 },
  ];
  for (const change of bad)
    expect(() => formatSettings({ ...plain, ...change })).toThrow(InstallerSettingsError);
});

test('a list of names has one line for each serial number', () => {
  expect(formatNames([{ serial: 'A 1', hostname: 'one' }])).toBe('A 1\tone\n');
  const bad = [
    [{ serial: 'A\t', hostname: 'one' }],
    [{ serial: '', hostname: 'one' }],
    [{ serial: 'A', hostname: 'one\ntwo' }],
    [
      { serial: 'A', hostname: 'one' },
      { serial: 'A', hostname: 'two' },
    ],
  ];
  for (const names of bad) expect(() => formatNames(names)).toThrow(InstallerSettingsError);
});

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { installerAssets } from '../../src/asset.ts';

/** What a program of the installer says, with its parts that read the machine put in by hand. */
async function inInstaller(
  script: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const assets = await installerAssets();
  const part = (name: string): string => assets.find((path) => path.endsWith(`/${name}.sh`)) ?? name;
  const text = `set -u
. "$1"; . "$2"
plain_line() { printf '%s' "$SERIAL"; }
first_address() { printf '%s' 525400aBcDeF; }
say() { echo "$@"; }
refuse() { echo "refused: $1"; exit 0; }
setting_name='Test Box' setting_counter_digits=3
counter_file=$COUNTER
${script}`;
  return execFileSync('sh', ['-c', text, 'sh', part('consoles'), part('hostname')], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', SERIAL: '', COUNTER: '/nowhere', ...environment },
  }).trim();
}

test.each([
  ['lab-{serial}', 'PF2XYZ', 'lab-pf2xyz'],
  ['{name}-{serial}', 'VMware-56 4d 0c', 'test-box-vmware-56-4d-0c'],
  ['{mac}', '', '525400abcdef'],
  ['pc{counter}', '', 'pc001'],
  ['-.{serial}.-', '__a__', 'a'],
  ['x{serial}', '{mac}{counter}', 'x-mac--counter'],
  ['{serial}', 'a'.repeat(62) + '--b', 'a'.repeat(62)],
  ['{serial}', '$(reboot)`reboot`;"\'\\', 'reboot--reboot'],
  ['fixed', '', 'fixed'],
])('the template %s on a machine with the serial number %s', async (template, serial, name) => {
  const script = `setting_hostname_template=$TEMPLATE; templated_name && echo "$host"`;
  expect(await inInstaller(script, { TEMPLATE: template, SERIAL: serial })).toBe(name);
});

test.each([
  '',
  'Not Specified',
  'To be filled by O.E.M.',
  'Default string',
  'System Serial Number',
  '0',
  '0000-000',
  'None',
])('a serial number that many machines have is none: %s', async (serial) => {
  const script = `setting_hostname_template='{serial}'; templated_name || echo 'not named'`;
  expect(await inInstaller(script, { SERIAL: serial })).toBe(
    'This machine has no serial of its own for the host name {serial}.\nnot named',
  );
});

test('the counter goes on from the stick, also past its digits, and is not guessed where it is damaged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-counter-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'counter');
  const script = `setting_hostname_template='pc-{counter}'; templated_name; echo "$host"`;
  const of = async (text: string): Promise<string> => {
    await writeFile(file, text);
    return inInstaller(script, { COUNTER: file });
  };
  expect(await of('0000000008\n')).toBe('pc-009');
  expect(await of('0000000999\n')).toBe('pc-1000');
  expect(await of('0000000000\n')).toBe('pc-001');
  expect(await of('9 9\n')).toBe('refused: the counter of this stick is damaged.');
  expect(await of('')).toBe('refused: the counter of this stick is damaged.');
});

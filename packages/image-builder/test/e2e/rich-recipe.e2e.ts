/**
 * A recipe with nearly everything in it: users with secrets, a locale, drivers, files, scripts and checks with hostile
 * values. Looked at in the finished file tree and, at its console, in the booted machine.
 *
 *   npx vitest run --config vitest.e2e.config.ts test/e2e/rich-recipe.e2e.ts
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TreeEntry } from '@osforge/disk-image';
import type { Machine } from '@osforge/hypervisor';
import { loadRecipe, RecipeError } from '@osforge/image-builder';
import { run } from '@osforge/process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, insertIntoMachine, logIn, patienceMs, type ConsoleShell } from './fixtures/booted.ts';
import { commandLines } from './fixtures/family.ts';
import { readTree, withRootFileSystem } from './fixtures/read-tree.ts';
import { filesHolding, textsOf } from './fixtures/search.ts';
import { openWorkbench, type FinishedBuild, type Workbench } from './fixtures/workbench.ts';

const id = 'rich';
const password = `correct-${randomBytes(6).toString('hex')}`;
const token = `token-${randomBytes(12).toString('hex')}`;
// A secret of several lines, with a line break at its end that has to stay.
const key = `-----BEGIN KEY-----\n${randomBytes(30).toString('base64')}\n'"$\`\\ \n-----END KEY-----\n`;
const publicKey = (name: string): string => `ssh-ed25519 ${randomBytes(51).toString('base64')} ${name}`;
const [fileKey, inlineKey, variableKey] = [
  publicKey('from a file'),
  publicKey('inline'),
  publicKey('variable'),
];
/** What reaches a program letter by letter, or not at all. */
const hostile = [
  ...[
    'a b',
    ' lead',
    'trail ',
    '"q"',
    "it's",
    '$HOME',
    '${X}',
    '`id`',
    '$(id)',
    ';',
    'reboot',
    '&& false',
    '*',
  ],
  ...['\\', '\\n', '%s', '-n', '--', '', 'Ä É ü 漢', 'tab\there', '#', '~', '!!', '@failed install'],
];

let bench: Workbench;
let build: FinishedBuild;
let hash: string;
/** Commands of processes that the builder had started, as anybody on the machine could have read them. */
const seenCommands = new Set<string>();
let raw: string;
let tree: Map<string, TreeEntry>;

async function makeDriver(name: string, depends: string): Promise<void> {
  const folder = join(bench.root, name);
  await mkdir(join(folder, 'DEBIAN'), { recursive: true });
  await mkdir(join(folder, 'usr/lib/firmware'), { recursive: true });
  const control = [
    `Package: ${name}`,
    'Version: 1.0',
    'Architecture: all',
    'Maintainer: Nobody <nobody@localhost>',
    ...(depends === '' ? [] : [`Depends: ${depends}`]),
    'Description: firmware of a device that does not exist',
    '',
  ];
  await writeFile(join(folder, 'DEBIAN/control'), control.join('\n'));
  await writeFile(join(folder, `usr/lib/firmware/${name}.bin`), `${name}\n`);
  const target = join(bench.root, 'recipe', 'drivers', `${name} 1.0.deb`);
  await run('dpkg-deb', ['--root-owner-group', '--build', folder, target], { timeoutMs: 60_000 });
}

/** A script that writes what it was given, one a line with its length, and what it can see of its environment. */
const recorder = `#!/bin/sh
set -eu
printf '%s\\n' "$@"
for argument; do printf '<%s>\\n' "$argument"; done >/srv/arguments
printf '%s|%s|%s|' "$PLAIN" "$path_like" "$value" >/srv/variables
printf '%s' "$TOKEN" | sha256sum >/srv/token.sha256
printf '%s' "$KEY" | sha256sum >/srv/key.sha256
echo "the token is $TOKEN"
echo "$KEY"
echo "$TOKEN" >/dev/console
`;

const checker = `#!/bin/sh
for argument; do printf '<%s>\\n' "$argument"; done >/srv/checked
[ "\${TOKEN:-none}" = none ]
`;

beforeAll(async () => {
  bench = await openWorkbench(id);
  const crypt = 'print crypt($ENV{PASSWORD}, q{$6$saltsaltsalt$})';
  hash = (await run('perl', ['-e', crypt], { env: { PASSWORD: password }, timeoutMs: 60_000 })).stdout.trim();
  await mkdir(join(bench.root, 'recipe', 'drivers'), { recursive: true });
  // By name the first of them comes before the one that it needs.
  await makeDriver('a-driver', 'z-firmware');
  await makeDriver('z-firmware', '');
  await bench.write('keys/operator.pub', `# comment\n${fileKey}\n`);
  await chmod(join(bench.root, 'recipe/keys/operator.pub'), 0o600);
  await chmod(await bench.write('secret.pem', key), 0o600);
  await bench.write('scripts/first step — ü.sh', recorder);
  await bench.write('scripts/second.sh', '#!/bin/sh\necho second >>/srv/order\n');
  await bench.write(
    'scripts/third.sh',
    '#!/bin/sh\nset -e\ntest -x /opt/tool/bin/check\necho third >>/srv/order\n',
  );
  await bench.write('files/check', checker);
  await bench.write("files/a b/ünï 'c' \\n.txt", 'odd name\n');
  await bench.write('files/folder/plain', 'plain\n');
  await bench.write('files/folder/deep/with\nline break', 'very odd name\n');
  await symlink('../plain', join(bench.root, 'recipe/files/folder/deep/link'));
  const loaded = await bench.build(recipe(), {
    variables: { ...process.env, OPERATOR_HASH: hash, ROBOT_KEY: variableKey, API_TOKEN: token },
    onEvent: ({ type, seq }) => {
      if (type === 'guest.step' || type === 'vm.state' || (type === 'phase.log' && seq % 25 === 0))
        for (const command of commandLines(process.pid)) seenCommands.add(command);
    },
  });
  build = loaded;
  if (build.result.error) throw build.result.error;
  raw = join(bench.root, 'unpacked.raw');
  const image = join(build.result.directory, `${id}.qcow2`);
  await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, raw], { timeoutMs: 600_000 });
  tree = await readTree(raw);
});
afterAll(async () => {
  await bench.dispose();
});

function recipe(): string {
  // JSON is YAML.
  return JSON.stringify({
    version: 1,
    name: id,
    system: {
      hostname: 'rich-1.example.org',
      locale: 'de_DE.UTF-8',
      timezone: 'Europe/Berlin',
      kernelCommandLine: ['audit=0', "osforge.test='$HOME;*"],
    },
    disk: { size: '2G', rootLabel: 'rich-root' },
    users: [
      {
        name: 'operator',
        groups: ['adm', 'systemd-journal'],
        password: 'env:OPERATOR_HASH',
        authorizedKeys: ['file:keys/operator.pub', inlineKey],
        sudo: true,
      },
      { name: 'robot', shell: '/bin/sh', authorizedKeys: ['env:ROBOT_KEY'], sudo: true },
      { name: 'nobody-special' },
    ],
    drivers: { folder: 'drivers' },
    apps: [
      {
        name: 'tool',
        files: [
          { source: 'files/check', target: '/opt/tool/bin/check', mode: '0750', owner: 'root:operator' },
          {
            source: "files/a b/ünï 'c' \\n.txt",
            target: "/opt/tool/ünï 'c' \\n $X.txt",
            mode: '0600',
            owner: 'operator',
          },
          { source: 'files/folder', target: '/srv/folder', mode: '0640', owner: '1234:adm' },
        ],
        scripts: [
          {
            path: 'scripts/first step — ü.sh',
            args: hostile,
            env: {
              PLAIN: "a 'b' $c",
              path_like: '/a:/b',
              value: 'a name that the installer uses',
              TOKEN: 'env:API_TOKEN',
              KEY: 'file:secret.pem',
            },
          },
          { path: 'scripts/second.sh' },
        ],
        checks: [{ command: ['/opt/tool/bin/check', ...hostile] }, { unit: 'ssh.service', active: false }],
      },
      {
        name: 'remote-access',
        packages: ['openssh-server'],
        scripts: [{ path: 'scripts/third.sh' }],
        checks: [{ unit: 'ssh.service' }],
      },
    ],
    capture: { formats: ['qcow2'] },
    media: { formats: ['pxe'] },
  });
}

const text = async (file: string): Promise<string> =>
  withRootFileSystem(raw, async (files) => Buffer.from(await files.readFile(file)).toString('utf8'));
const entry = (file: string): Partial<TreeEntry> => tree.get(file) ?? { path: `${file} is not in the image` };
const asLines = (values: readonly string[]): string => values.map((value) => `<${value}>\n`).join('');

describe('the system', () => {
  test('has the settings of the recipe', async () => {
    expect(await text('/etc/hostname')).toBe('rich-1.example.org\n');
    expect(await text('/etc/default/locale')).toBe('LANG=de_DE.UTF-8\n');
    expect(entry('/etc/localtime').linkTarget).toMatch(/\/zoneinfo\/Europe\/Berlin$/);
    expect(entry('/usr/lib/locale/locale-archive').sizeBytes).toBeGreaterThan(100_000);
  });

  test('has the drivers of the folder, in its package list too', async () => {
    expect(await text('/usr/lib/firmware/a-driver.bin')).toBe('a-driver\n');
    expect(await text('/usr/lib/firmware/z-firmware.bin')).toBe('z-firmware\n');
    const manifest = await readFile(join(build.result.directory, 'manifest.json'), 'utf8');
    expect(manifest).toContain('"a-driver"');
    expect(entry('/tmp').type).toBe('directory');
    expect([...tree.keys()].filter((name) => name.startsWith('/tmp/'))).toEqual([]);
  });

  test('has the users, and a way in for those who were given one', async () => {
    const shadow = Object.fromEntries(
      (await text('/etc/shadow')).split('\n').map((line) => line.split(':').slice(0, 2)),
    ) as Record<string, string>; // name and hash
    expect(shadow).toMatchObject({ operator: hash, robot: '!', 'nobody-special': '!' });
    expect(shadow['root']).toMatch(/^[!*]/);
    const passwd = await text('/etc/passwd');
    expect(passwd).toMatch(/^operator:x:1000:37:[^:]*:\/home\/operator:\/bin\/bash$/m);
    expect(passwd).toMatch(/^robot:x:1001:\d+:[^:]*:\/home\/robot:\/bin\/sh$/m);
    expect(await text('/home/operator/.ssh/authorized_keys')).toBe(`${fileKey}\n${inlineKey}\n`);
    expect(await text('/home/robot/.ssh/authorized_keys')).toBe(`${variableKey}\n`);
    expect(entry('/home/operator/.ssh')).toMatchObject({ mode: 0o700, uid: 1000, gid: 37 });
    expect(entry('/home/operator/.ssh/authorized_keys')).toMatchObject({ mode: 0o600, uid: 1000 });
    expect([...tree.keys()]).not.toContain('/home/nobody-special/.ssh');
    // Who has a password is asked for it.
    expect(await text('/etc/sudoers.d/osforge')).toBe('robot ALL=(ALL:ALL) NOPASSWD: ALL\n');
    expect(entry('/etc/sudoers.d/osforge')).toMatchObject({ mode: 0o440, uid: 0 });
  });
});

test('media are made of what the machine has left, from its chain of disks, and nothing stays behind', async () => {
  const { directory } = build.result;
  const [media, manifest] = await Promise.all(
    ['media/media.json', 'manifest.json'].map((name) => readFile(join(directory, name), 'utf8')),
  );
  const digest = /"rawDisk": \{\s*"sizeBytes": \d+,\s*"sha256": "([0-9a-f]{64})"/;
  expect(digest.exec(media ?? '')?.[1]).toMatch(/^[0-9a-f]{64}$/);
  expect(digest.exec(media ?? '')?.[1]).toBe(digest.exec(manifest ?? '')?.[1]);
  expect(await bench.leftovers()).toEqual([]);
});

describe('the applications', () => {
  test('have their files, with mode and owner, whatever their names', () => {
    expect(entry('/opt/tool/bin/check')).toMatchObject({ mode: 0o750, uid: 0, gid: 37 });
    expect(entry("/opt/tool/ünï 'c' \\n $X.txt")).toMatchObject({ mode: 0o600, uid: 1000, gid: 37 });
    expect(entry('/srv/folder')).toMatchObject({ mode: 0o750, uid: 1234, gid: 4 });
    expect(entry('/srv/folder/plain')).toMatchObject({ mode: 0o640, uid: 1234, gid: 4 });
    expect(entry('/srv/folder/deep/with\nline break').sizeBytes).toBe('very odd name\n'.length);
    expect(entry('/srv/folder/deep/link')).toMatchObject({ type: 'symlink', linkTarget: '../plain' });
    expect(entry('/opt/tool')).toMatchObject({ mode: 0o755, uid: 0 });
  });

  test('got their arguments and variables letter by letter', async () => {
    expect(await text('/srv/arguments')).toBe(asLines(hostile));
    expect(await text('/srv/checked')).toBe(asLines(hostile));
    expect(await text('/srv/variables')).toBe("a 'b' $c|/a:/b|a name that the installer uses|");
  });

  test('ran in the order of the recipe', async () => {
    expect(await text('/srv/order')).toBe('second\nthird\n');
    const steps = build.events
      .filter(({ type, data }) => type === 'guest.step' && data['state'] === 'succeeded')
      .map(({ data }) => `${String(data['app'])}: ${String(data['step'])}`);
    expect(steps).toEqual([
      'apt: repository',
      'tool: files',
      'tool: script-001-first_step____.sh',
      'tool: script-002-second.sh',
      'tool: check-command-1',
      'tool: check-ssh.service',
      'tool: install',
      'remote-access: packages',
      'remote-access: script-001-third.sh',
      'remote-access: check-ssh.service',
      'remote-access: install',
    ]);
  });
});

describe('secrets', () => {
  const inBase64 = (value: string): string => Buffer.from(value).toString('base64').replace(/=+$/, '');
  const keyLine = key.split('\n')[1] ?? '';

  test('reached the scripts that were to have them', async () => {
    const digest = (value: string): string => `${createHash('sha256').update(value).digest('hex')}  -\n`;
    expect(await text('/srv/token.sha256')).toBe(digest(token));
    // One line break at the end of a file is the editor's.
    expect(await text('/srv/key.sha256')).toBe(digest(key.replace(/\n$/, '')));
  });

  test('are in no file of the build but where the recipe puts them, nor in the image', async () => {
    const forScripts = [token, inBase64(token), keyLine, inBase64(key)];
    expect(await filesHolding(bench.out, forScripts)).toEqual({});
    expect(await textsOf(raw, forScripts)).toEqual([]);
    const holding = Object.keys(await filesHolding(bench.out, [password, hash, inBase64(hash)]));
    // A payload is the image, compressed.
    const disks = /\/(work\/(disk\/disk\.raw|vm-disks\/\S+\.qcow2)|media\/pxe\/payload\/\d+\.zst)$/;
    expect(holding.filter((file) => !disks.test(file))).toEqual([]);
    // It is found where it has to be, which shows that it would be found elsewhere.
    expect(holding).toContain(`${id}/.osforge/work/disk/disk.raw`);
    // What a script said of its secrets was masked, not left out.
    const said = build.events.filter(({ type }) => type === 'phase.log').map(({ data }) => data['line']);
    expect(said).toContain('the token is ***');
    const shown = build.events.filter(({ type }) => type === 'vm.console').map(({ data }) => data['line']);
    expect(shown).toContain('***');
  });

  test('were on no command line while it was built', () => {
    const commands = [...seenCommands];
    expect(commands.some((command) => command.includes('qemu-system'))).toBe(true);
    expect(commands.some((command) => command.includes('mmdebstrap'))).toBe(true);
    for (const secret of [token, inBase64(token), keyLine, hash, password, 'saltsaltsalt'])
      expect(commands.filter((command) => command.includes(secret))).toEqual([]);
  });
});

test('a file name with a line break in the recipe itself is refused, with its place', async () => {
  const [good, bad] = ['"files/check"', '"files/check\\nx"'];
  const path = await bench.write('bad.yaml', recipe().replace(good, bad));
  const error = await loadRecipe(path).catch((cause: unknown) => cause);
  if (!(error instanceof RecipeError)) throw new Error('not refused', { cause: error });
  expect(error.diagnostics[0]).toMatchObject({ field: 'apps[0].files[0].source', line: 1 });
});

/** The first line that a server says. */
async function greeting(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.setTimeout(patienceMs, () => {
        reject(new Error(`nothing came from port ${port}`));
      });
      socket.once('error', reject);
      socket.once('close', () => {
        reject(new Error('closed without a word'));
      });
      socket.once('data', (data: Buffer) => {
        resolve(data.toString('utf8'));
      });
    });
  } finally {
    socket.destroy();
  }
}

test('the booted machine lets its user in with the password, and is what the recipe says', async () => {
  const port = await freePort();
  const machine: Machine = await insertIntoMachine({
    folder: bench.root,
    overlay: join(bench.root, 'booted.qcow2'),
    image: join(build.result.directory, `${id}.qcow2`),
    forward: { from: port, to: 22 },
  });
  try {
    const wait = { timeoutMs: patienceMs };
    const prompt = machine.waitForConsole(/^rich-1 .*: $/, wait);
    await Promise.all([machine.start(), prompt]);
    const shell: ConsoleShell = await logIn(machine, 'operator', password);

    // The login prompt comes before all that is started beside it: host keys take a minute on a busy machine.
    expect(
      await shell.run('systemctl is-system-running --wait; systemctl list-units --failed --no-legend'),
    ).toBe('running');
    expect((await shell.run('id -nG')).split(' ').sort()).toEqual([
      'adm',
      'operator',
      'sudo',
      'systemd-journal',
    ]);
    expect(await shell.run(`echo ${password} | sudo -S -p '' id -u`)).toBe('0');
    expect(await shell.run(`echo ${password} | sudo -S -p '' su robot -c "sudo -n id -u"`)).toBe('0');
    expect(await shell.run('echo $LANG; locale charmap; date +%Z')).toMatch(/^de_DE\.UTF-8\nUTF-8\nCES?T$/);
    const commandLine = await shell.run('cat /proc/cmdline');
    expect(commandLine).toContain(" audit=0 osforge.test='$HOME;*");
    expect(await shell.run('hostname; findmnt -no LABEL /')).toBe('rich-1.example.org\nrich-root');
    expect(await shell.run('ls /etc/ssh')).toContain('ssh_host_ed25519_key');
    expect(await greeting(port)).toMatch(/^SSH-2\.0-OpenSSH/);
    expect((await machine.stop({ gracefulTimeoutMs: patienceMs })).rung).toBe('acpi');
  } finally {
    await machine.kill();
  }
});

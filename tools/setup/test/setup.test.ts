import { spawn } from 'node:child_process';
import { chmod, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SAME_SIGNAL_WINDOW_MS } from '../signals.mjs';
import { fakeMachine, lock, outcomeOf, type FakeMachine } from './fake-machine.ts';

/** Answers like dpkg-query on a machine that has everything but the packages listed in the file `lacking`. */
const DPKG_QUERY = `
shift 3
for name; do
  while read -r lacking; do test "$name" = "$lacking" && continue 2; done < "$ROOT/lacking"
  echo "installed $name"
done
`;

/** Installs by forgetting what was lacking; keeps its arguments. */
const APT_GET = `
echo "$@" >> "$ROOT/apt.log"
case "$*" in
  *--simulate*) exit 0 ;;
  *install*) : > "$ROOT/lacking" ;;
esac
`;

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
  await machine.file('lacking', '');
  await machine.program('dpkg-query', DPKG_QUERY);
});
afterEach(() => machine.remove());

async function lacking(...names: string[]): Promise<void> {
  await machine.file('lacking', names.map((name) => `${name}\n`).join(''));
  await chmod(join(machine.root, 'lacking'), 0o666);
}

describe('Debian packages', () => {
  test('without root and without sudo: the one line on stdout, why on stderr, exit 3', async () => {
    await lacking('ovmf', 'xorriso');
    const outcome = await machine.run([]);
    expect(outcome.stdout).toBe('apt-get install --yes --no-install-recommends ovmf xorriso\n');
    expect(outcome.stderr).toMatch(/ {2}ovmf +UEFI firmware of the virtual machine\n/);
    expect(outcome.stderr).toMatch(/neither root nor a sudo/);
    expect(outcome.exitCode).toBe(3);
  });

  test('a sudo that would ask, with nobody there to answer, counts as no sudo', async () => {
    await lacking('ovmf');
    await machine.program('sudo', 'exit 1');
    const outcome = await machine.run([]);
    expect(outcome.stdout).toBe('apt-get install --yes --no-install-recommends ovmf\n');
    expect(outcome.exitCode).toBe(3);
  });

  test('with a sudo that asks no password: says what and why, installs, goes on', async () => {
    await lacking('mtools');
    await machine.program('sudo', 'test "$1" = -n && shift && exec "$@"');
    await machine.program('true', '');
    await machine.program('apt-get', APT_GET);
    const outcome = await machine.run([]);
    expect(outcome).toMatchObject({ exitCode: 0, stdout: '' });
    expect(outcome.stderr).toMatch(/installing 1 Debian package:\n {2}mtools {2}writes the EFI/);
    const calls = await readFile(join(machine.root, 'apt.log'), 'utf8');
    expect(calls.split('\n')).toEqual([
      expect.stringContaining('--simulate install --yes --no-install-recommends mtools'),
      expect.stringMatching(/^-o DPkg::Lock::Timeout=\d+ install --yes --no-install-recommends mtools$/),
      '',
    ]);
  });

  test('package lists are fetched first only when apt cannot locate a package', async () => {
    await lacking('mtools');
    await machine.program('sudo', 'test "$1" = -n && shift && exec "$@"');
    await machine.program('true', '');
    await machine.program('apt-get', APT_GET.replace('exit 0', 'exit 100'));
    const outcome = await machine.run([]);
    expect(outcome.exitCode).toBe(0);
    const calls = (await readFile(join(machine.root, 'apt.log'), 'utf8')).trim().split('\n');
    expect(calls.map((call) => /(--simulate|update|install)/.exec(call)?.[0])).toEqual([
      '--simulate',
      'update',
      'install',
    ]);
  });

  test('tests need more than a build', async () => {
    await lacking('gdisk');
    expect((await machine.run([])).exitCode).toBe(0);
    const outcome = await machine.run(['--then', 'test']);
    expect(outcome.stdout).toBe('apt-get install --yes --no-install-recommends gdisk\n');
    expect(outcome.exitCode).toBe(3);
  });

  test('a service that comes with a package is masked before it can start', async () => {
    await lacking('prometheus');
    const outcome = await machine.run(['--then', 'test']);
    expect(outcome.stdout).toMatch(
      /^apt-get install --yes --no-install-recommends -o 'DPkg::Pre-Invoke::=[^']*ln -s \/dev\/null \/etc\/systemd\/system\/prometheus\.service; }' prometheus\n$/,
    );
  });

  test.each([
    [
      'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7',
      /Another package manager is running/,
    ],
    [
      "Err:1 mirror\\n  Temporary failure resolving 'mirror'\\nE: Failed to fetch x",
      /mirror cannot be reached/,
    ],
    ['E: You don’t … No space left on device', /disk is full/],
    ['E: something new', /output above says why/],
  ])('apt-get fails with %s', async (message, advice) => {
    await lacking('mtools');
    await machine.program('sudo', 'test "$1" = -n && shift && exec "$@"');
    await machine.program('true', '');
    await machine.program(
      'apt-get',
      `case "$*" in *--simulate*) exit 0 ;; esac; printf '${message.replaceAll("'", '')}\\n' >&2; exit 100`,
    );
    const outcome = await machine.run([]);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.stderr).toMatch(advice);
    expect(outcome.stderr).toContain('apt-get install --yes --no-install-recommends mtools');
  });

  test('apt-get that claims success without installing is found out', async () => {
    await lacking('mtools');
    await machine.program('sudo', 'test "$1" = -n && shift && exec "$@"');
    await machine.program('true', '');
    await machine.program('apt-get', '');
    const outcome = await machine.run([]);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.stderr).toMatch(/these are missing: mtools/);
  });

  test('a system without dpkg is refused', async () => {
    await rm(join(machine.root, 'path/dpkg-query'));
    const outcome = await machine.run([]);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.stderr).toMatch(/osforge builds on Debian 12/);
  });
});

test('a folder that belongs to another user is told before npm and Nx fail in it', async () => {
  await machine.program('npm', 'echo "npm $*"');
  await machine.file('package-lock.json', lock('2.0.0'));
  await chmod(machine.root, 0o555);
  const outcome = await machine.run(['--then', 'start']);
  expect(outcome).toMatchObject({ exitCode: 3, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^osforge set-up: \S+ cannot be written by you\. .* in a clone of your own\.\n$/,
  );
});

describe('node_modules', () => {
  test('npm ci when the lock file has changed, with the reason', async () => {
    await machine.file('package-lock.json', lock('2.0.0'));
    await machine.program('npm', 'echo "npm $*"; exit 0');
    const outcome = await machine.run([]);
    expect(outcome.stderr).toMatch(
      /npm ci, because package-lock.json has changed \(thing\)\nnpm ci --no-audit --no-fund --loglevel=error\n/,
    );
    expect(outcome.exitCode).toBe(0);
  });

  test('npm ci that fails ends the set-up with 3', async () => {
    await machine.file('package-lock.json', lock('2.0.0'));
    await machine.program('npm', 'echo "npm error network" >&2; exit 1');
    const outcome = await machine.run([]);
    expect(outcome.stderr).toMatch(/npm error network\nosforge set-up: npm ci failed \(exit code 1\)/);
    expect(outcome.exitCode).toBe(3);
  });

  test('npm ci when somebody has deleted a package', async () => {
    await rm(join(machine.root, 'node_modules/thing'), { recursive: true });
    await machine.program('npm', 'mkdir -p "$ROOT/node_modules/thing"');
    expect((await machine.run([])).stderr).toMatch(/npm ci, because node_modules\/thing is gone/);
  });

  test('no npm at all when nothing has changed', async () => {
    await machine.program('npm', 'exit 1');
    expect((await machine.run([])).exitCode).toBe(0);
  });
});

describe('the set-up alone', () => {
  const linked = 'node_modules/.bin/osforge';

  test('builds the command and has npm link it, so that it can be called', async () => {
    await rm(join(machine.root, linked));
    await rm(join(machine.root, 'apps/cli/dist/main.js'));
    await chmod(join(machine.root, 'node_modules/.bin'), 0o777);
    await machine.file('node_modules/.bin/nx', '#!/bin/sh\necho "nx $*" >> "$ROOT/calls"\n');
    await machine.program('npm', `echo "npm $*" >> "$ROOT/calls"; : > "$ROOT/${linked}"`);
    const first = await machine.run([]);
    expect(first).toMatchObject({ exitCode: 0, stdout: '' });
    expect(first.stderr).toMatch(
      /^osforge set-up: building the osforge command\nosforge set-up: everything is there\. .*`npx osforge --help`/,
    );
    const build = 'nx run cli:build --output-style=stream\n';
    const calls = (): Promise<string> => readFile(join(machine.root, 'calls'), 'utf8');
    expect(await calls()).toBe(`${build}npm rebuild @osforge/cli --loglevel=error\n`);
    await machine.run([]);
    expect(await calls()).toBe(`${build}npm rebuild @osforge/cli --loglevel=error\n${build}`);
  });

  test('says that the command does not build, or was not linked', async () => {
    await rm(join(machine.root, linked));
    await machine.program('npm', 'exit 1');
    const unlinked = await machine.run([]);
    expect(unlinked.exitCode).toBe(3);
    expect(unlinked.stderr).toMatch(/did not link the osforge command; `npm rebuild @osforge\/cli` says why/);
    await machine.file('node_modules/.bin/nx', '#!/bin/sh\necho "TS1005 in main.ts"; exit 1');
    const broken = await machine.run([]);
    expect(broken.exitCode).toBe(1);
    expect(broken.stderr).toMatch(/TS1005 in main.ts[^]*could not be built/);
  });

  test('builds nothing in a CI, whose tests do that', async () => {
    await rm(join(machine.root, linked));
    await machine.file('node_modules/.bin/nx', '#!/bin/sh\nexit 1');
    const outcome = await machine.run([], { CI: 'true' });
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stderr).toMatch(/^osforge set-up: everything is there\. `npm start` [^`]*\n$/);
  });
});

describe('the job', () => {
  test('start passes arguments, stdout and exit code, and keeps its own words off stdout', async () => {
    await machine.file('node_modules/.bin/nx', '#!/bin/sh\necho "nx $*"');
    await machine.file(
      'apps/cli/dist/main.js',
      'console.log(process.argv.slice(2).join(" ")); process.exitCode = 7;',
    );
    const outcome = await machine.run(['--then', 'start', 'my recipe.yaml', '--json']);
    expect(outcome).toEqual({ exitCode: 7, stdout: 'build-image my recipe.yaml --json\n', stderr: '' });
  });

  test('a command line that does not build is shown', async () => {
    await machine.file('node_modules/.bin/nx', '#!/bin/sh\necho "TS1005 in main.ts"; exit 1');
    const outcome = await machine.run(['--then', 'start']);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(/TS1005 in main.ts[^]*could not be built/);
  });

  test('test runs every project, with further arguments', async () => {
    await machine.file('node_modules/.bin/nx', '#!/bin/sh\necho "nx $*"; exit 5');
    const outcome = await machine.run(['--then', 'test', '--projects=flush']);
    expect(outcome.stdout).toMatch(/^nx run-many -t test e2e --parallel=2 .*--projects=flush\n$/);
    expect(outcome.exitCode).toBe(5);
  });

  test('Ctrl-C that arrives twice at once, as under npm, reaches the command line once', async () => {
    await machine.file('node_modules/.bin/nx', '#!/bin/sh\n');
    await machine.file(
      'apps/cli/dist/main.js',
      `let interrupts = 0;
       process.on('SIGINT', () => { interrupts += 1; console.log('interrupt ' + interrupts); });
       process.on('SIGTERM', () => { process.exit(100 + interrupts); });
       console.log('ready');
       setInterval(() => {}, 1e6);`,
    );
    const child = machine.start(['--then', 'start']);
    const outcome = outcomeOf(child);
    child.stdout?.on('data', (chunk: string) => {
      if (chunk.includes('ready')) {
        child.kill('SIGINT');
        child.kill('SIGINT');
      }
      if (chunk.includes('interrupt')) child.kill('SIGTERM');
    });
    expect(await outcome).toEqual({ exitCode: 101, stdout: 'ready\ninterrupt 1\n', stderr: '' });
  });
});

test('each Ctrl-C in a terminal with npm in between reaches the command line exactly once', async () => {
  await machine.file('package.json', '{ "scripts": { "start": "node tools/setup/setup.mjs --then start" } }');
  await machine.file('node_modules/.bin/nx', '#!/bin/sh\n');
  await machine.file(
    'apps/cli/dist/main.js',
    `let interrupts = 0;
     process.on('SIGINT', () => {
       interrupts += 1;
       console.log('interrupt ' + interrupts);
       if (interrupts === 2) process.exit(130);
     });
     console.log('terminal ' + process.stdin.isTTY + ' ' + process.stdout.isTTY);
     setInterval(() => {}, 1e6);`,
  );
  const terminal = spawn('script', ['-qefc', 'npm start --silent', '/dev/null'], {
    cwd: machine.root,
    env: { ...process.env, PATH: `${machine.root}/path:${process.env['PATH'] ?? ''}`, ROOT: machine.root },
  });
  const outcome = outcomeOf(terminal);
  const ctrlC = (): boolean => terminal.stdin.write('\x03');
  terminal.stdout.on('data', (chunk: string) => {
    if (chunk.includes('terminal')) ctrlC();
    // A person is not faster than this; what comes sooner is taken for npm's echo.
    if (chunk.includes('interrupt 1')) setTimeout(ctrlC, 3 * SAME_SIGNAL_WINDOW_MS);
  });
  const { exitCode, stdout } = await outcome;
  expect(stdout.match(/terminal.*|interrupt \d/g)).toEqual([
    'terminal true true',
    'interrupt 1',
    'interrupt 2',
  ]);
  expect(exitCode).toBe(130);
}, 300_000);

test('a set-up that is killed takes its job along', async () => {
  await machine.file('node_modules/.bin/nx', '#!/bin/sh\n');
  await machine.file(
    'apps/cli/dist/main.js',
    `process.on('SIGTERM', () => { console.log('told to end'); process.exit(); });
     console.log('ready');
     setInterval(() => {}, 1e6);`,
  );
  const child = machine.start(['--then', 'start']);
  const outcome = outcomeOf(child);
  child.stdout?.on('data', (chunk: string) => {
    if (chunk.includes('ready')) child.kill('SIGKILL');
  });
  // The end of the output is the end of the job: it holds the pipe.
  expect((await outcome).stdout).toBe('ready\ntold to end\n');
});

describe('wrong input', () => {
  test.each([
    [['--what'], /unknown argument "--what"/],
    [['--then'], /--then takes "start" or "test", not nothing/],
    [['--then', 'fly'], /not "fly"/],
  ])('%j', async (args, message) => {
    const outcome = await machine.run(args);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).toContain('usage: npm run setup');
  });
});

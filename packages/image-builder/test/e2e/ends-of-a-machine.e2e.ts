/**
 * Guests that end badly: each gives its own typed error with what its console said, nothing is captured, nothing is
 * left running, and the next build continues from the saved machine.
 *
 *   npx vitest run --config vitest.e2e.config.ts test/e2e/ends-of-a-machine.e2e.ts
 *
 * One machine is booted; all the guests are that machine with another application. Needs root (a full disk is made with
 * a small tmpfs).
 */
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint } from '@osforge/checkpoint';
import { checkImage } from '@osforge/disk-image';
import { AppInstallError, VmVerdictError } from '@osforge/image-builder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SeenEvent } from './fixtures/doom.ts';
import { processesNaming } from './fixtures/family.ts';
import { mountTmpfs, unmountTmpfs } from './fixtures/tmpfs.ts';
import {
  dataOf,
  openWorkbench,
  type BuildOverrides,
  type FinishedBuild,
  type Workbench,
} from './fixtures/workbench.ts';

const id = 'ends';
const ran = ['preflight', 'updates', 'disk', 'os-updates', 'vm-setup', 'vm-start'];
let bench: Workbench;
let consoleLog: string;

beforeAll(async () => {
  bench = await openWorkbench('ends');
  consoleLog = join(bench.out, id, '.osforge', 'logs', 'console.log');
});
afterAll(async () => {
  await bench.dispose();
});

/** One application in the words of the recipe, and how long it may take. */
function recipe(app: string, appTimeout = '5m'): string {
  return [
    'version: 1',
    `name: ${id}`,
    'disk: {size: 2G}',
    'capture: {formats: [qcow2]}',
    `vm: {timeouts: {app: ${appTimeout}}}`,
    'apps:',
    '  - name: harmless',
    '    scripts: [{path: scripts/harmless.sh}]',
    '  - name: culprit',
    app.replaceAll(/^/gm, '    '),
    '',
  ].join('\n');
}

async function buildWithScript(
  name: string,
  script: string,
  { appTimeout, ...overrides }: BuildOverrides & { appTimeout?: string } = {},
): Promise<FinishedBuild> {
  await bench.write('scripts/harmless.sh', '#!/bin/sh\necho nothing happened here\n');
  await bench.write(`scripts/${name}`, `#!/bin/sh\n${script}\n`);
  return bench.build(recipe(`scripts: [{path: scripts/${name}}]`, appTimeout), overrides);
}

/** What holds after each of these builds. */
async function expectStopped({ result, events }: FinishedBuild): Promise<void> {
  expect(result.outcome).toBe('failed');
  expect(dataOf(events, 'phase.started').map(({ phase }) => phase)).not.toContain('capture');
  expect(result.artifacts).toEqual([]);
  expect(await bench.artifacts(id)).toEqual([]);
  expect(await bench.leftovers()).toEqual([]);
  const record = await readCheckpoint({ directory: join(bench.out, id, '.osforge'), buildId: id });
  for (const phase of ran) expect(record?.phases[phase]?.state, phase).toBe('done');
  expect(record?.phases['capture']).toBeUndefined();
  // The message that people see is the one of the event, too.
  expect(dataOf(events, 'build.failed')).toMatchObject([{ message: result.error?.message }]);
}

/** The log is where the error says, and holds the lines that it shows. */
async function expectInLog(error: AppInstallError | VmVerdictError): Promise<void> {
  expect(error.evidence.consoleLog).toBe(consoleLog);
  expect(error.message).toContain(consoleLog);
  const log = (await readFile(consoleLog, 'utf8')).replaceAll('\r', '');
  for (const line of error.evidence.lastConsoleLines) expect(log).toContain(line);
}

async function verdictOf(build: FinishedBuild, kind: string): Promise<VmVerdictError> {
  await expectStopped(build);
  const { cause, events } = build;
  if (!(cause instanceof VmVerdictError)) throw new Error('not a verdict', { cause });
  expect(cause.verdict.kind).toBe(kind);
  expect(cause.message).toContain(kind);
  expect(dataOf(events, 'vm.verdict')).toMatchObject([{ kind, consoleLog, summary: cause.verdict.summary }]);
  await expectInLog(cause);
  return cause;
}

async function installErrorOf(build: FinishedBuild): Promise<AppInstallError> {
  await expectStopped(build);
  const { cause } = build;
  if (!(cause instanceof AppInstallError)) throw new Error('not an installation error', { cause });
  expect(cause.app).toBe('culprit');
  await expectInLog(cause);
  return cause;
}

/** The machine of this test's builds, while one runs. */
function killMachine(): void {
  const machines = processesNaming(bench.out).filter(({ command }) => command.includes('qemu-system'));
  expect(machines).toHaveLength(1);
  for (const { pid } of machines) process.kill(pid, 'SIGKILL');
}

const isStep =
  (app: string, step: string, state: string) =>
  ({ type, data }: SeenEvent): boolean =>
    type === 'guest.step' && data['app'] === app && data['step'] === step && data['state'] === state;

describe('a guest (as root)', () => {
  test('that panics is told as panic, with what its kernel said first', async () => {
    const error = await verdictOf(
      await buildWithScript('panic.sh', 'echo about to panic\necho c >/proc/sysrq-trigger\nsleep 1000'),
      'panic',
    );
    expect(error.message).toContain('during script scripts/panic.sh of application "culprit"');
    expect(error.message).toContain('| about to panic');
    expect(error.message).toMatch(/\| .*Kernel panic - not syncing: sysrq triggered crash/);
    expect(error.installer).toMatchObject({ app: 'culprit', step: 'script-001-panic.sh' });
    expect(error.message.split('\n').length).toBeLessThan(30);
  });

  test.each([
    ['resets', 'reset.sh', 'echo b >/proc/sysrq-trigger', 'Resetting'],
    ['reboots by force', 'reboot.sh', 'reboot -f', 'Restarting system'],
  ])('that %s is told as reset', async (_how, name, script, said) => {
    const build = await buildWithScript(name, `${script}\nsleep 1000`);
    const error = await verdictOf(build, 'reset');
    expect(error.message).toContain(`during script scripts/${name} of application "culprit"`);
    expect(error.evidence.lastConsoleLines.join('\n')).toContain(said);
    // It continued from the machine that the first guest was saved as, and did not boot.
    expect(dataOf(build.events, 'vm.state').map(({ state }) => state)).toEqual(['restored']);
    expect(build.result.reused).toEqual(expect.arrayContaining(ran));
  });

  test('that powers off without writing back is told as dirty-filesystem', async () => {
    const script =
      'dd if=/dev/urandom of=/var/lib/unwritten bs=1M count=16 status=none\necho o >/proc/sysrq-trigger\nsleep 1000';
    const error = await verdictOf(await buildWithScript('off.sh', script), 'dirty-filesystem');
    expect(error.message).toContain('needs recovery');
    expect(error.verdict.evidence).toMatchObject({ shutdownReason: 'guest-shutdown', exit: { code: 0 } });
    expect(error.evidence.lastConsoleLines.join('\n')).toContain('Power Off');
  });

  test('that looks well until it powers off without unmounting is told as dirty-filesystem', async () => {
    // QEMU says the very same of this end as of a good one: only the disk knows.
    const stop =
      'dd if=/dev/urandom of=/var/lib/unwritten bs=1M count=16; echo o >/proc/sysrq-trigger; sleep 1000';
    const unit = `[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=true\\nExecStop=sh -c "${stop}"\\n`;
    const script = `printf '${unit}' >/run/systemd/system/late.service\nsystemctl daemon-reload\nsystemctl start late`;
    const build = await buildWithScript('late.sh', script);
    const error = await verdictOf(build, 'dirty-filesystem');
    expect(build.result.ran).toContain('app-install');
    expect(error.message).toContain('at power-off');
    expect(error.message).toContain('needs recovery');
    expect(error.installer).toBeUndefined();
  });

  test('that never ends is told as timeout, with its deadline and its last words', async () => {
    const script =
      'echo still at it\necho "a word on the console" >/dev/console\nwhile :; do sleep 1000; done';
    const build = await buildWithScript('forever.sh', script, { appTimeout: '10s' });
    const error = await verdictOf(build, 'timeout');
    expect(error.message).toContain('"culprit" was not done within 10 s (vm.timeouts.app of the recipe)');
    expect(error.message).toContain('| still at it');
    expect(error.evidence.lastConsoleLines).toContain('a word on the console');
  });

  test('that powers off in good order in the middle is an installation that failed', async () => {
    const error = await installErrorOf(
      await buildWithScript('poweroff.sh', 'systemctl poweroff\nsleep 1000'),
    );
    expect(error.message).toContain(
      'script scripts/poweroff.sh: the machine was powered off in the middle of it',
    );
    expect(error.step).toBe('script-001-poweroff.sh');
  });

  test('whose machine is killed from outside is told as killed', async () => {
    const now = isStep('culprit', 'script-001-victim.sh', 'started');
    const error = await verdictOf(
      await buildWithScript('victim.sh', 'sleep 1000', {
        onEvent: (event) => {
          if (now(event)) killMachine();
        },
      }),
      'killed',
    );
    expect(error.message).toContain('SIGKILL');
    // It had nothing to say before it ended: that is said, and no line of an earlier machine is taken for one of its.
    expect(error.evidence.lastConsoleLines).toEqual([]);
    expect(error.message).toContain('has written nothing to its console');
  });

  test('whose machine is killed when all is installed but not saved is told as killed', async () => {
    const now = isStep('culprit', 'install', 'succeeded');
    const error = await verdictOf(
      await buildWithScript('late-victim.sh', 'echo done', {
        onEvent: (event) => {
          if (now(event)) killMachine();
        },
      }),
      'killed',
    );
    expect(error.message).toContain('right after the last application was installed');
  });

  test('whose disk the host cannot write is told as io-error', async () => {
    const disks = join(bench.out, id, '.osforge', 'work', 'vm-disks');
    const [booted, aside] = [join(disks, '1-booted.qcow2'), join(bench.root, 'booted.qcow2')];
    await copyFile(booted, aside);
    mountTmpfs(disks, (await stat(aside)).blocks * 512 + 24 * 1024 ** 2);
    let build: FinishedBuild;
    try {
      await copyFile(aside, booted);
      const script = 'dd if=/dev/urandom of=/var/lib/large bs=1M count=64 conv=fsync';
      build = await buildWithScript('large.sh', script);
    } finally {
      unmountTmpfs(disks);
    }
    const error = await verdictOf(build, 'io-error');
    expect(error.message).toContain('A write on disk "root" failed: the host has no space left.');
    expect(error.message).toContain('script scripts/large.sh of application "culprit"');
  });
});

describe('an application', () => {
  test('whose script fails is named with the script, its exit status and its last lines', async () => {
    const build = await buildWithScript('fail.sh', 'echo one\necho two >&2\nexit 3');
    const error = await installErrorOf(build);
    expect(error).toMatchObject({ step: 'script-001-fail.sh', lastLines: ['one', 'two'] });
    expect(error.message).toContain(
      'application "culprit" could not be installed: script scripts/fail.sh: exit status 3\n' +
        'last lines of its output:\n  | one\n  | two\n',
    );
    // The machine was well, and was shut down by the builder: no verdict.
    expect(dataOf(build.events, 'vm.verdict')).toEqual([]);
    expect(dataOf(build.events, 'guest.step').at(-1)).toMatchObject({ app: 'culprit', state: 'failed' });
  });

  test('whose script cannot be run is told so', async () => {
    await bench.write('scripts/odd.sh', '#!/no/such/interpreter\n');
    const error = await installErrorOf(await bench.build(recipe('scripts: [{path: scripts/odd.sh}]')));
    expect(error.message).toMatch(/script scripts\/odd\.sh: exit status 12[67], .*(executed|interpreter)/);
  });

  test.each([
    [
      'unit is not active',
      'checks: [{unit: hello.service}]',
      'check-hello.service',
      'check that hello.service is active: exit status 1',
    ],
    [
      'command fails',
      'checks: [{command: [test, -e, "/no such file"]}]',
      'check-command-1',
      'check test -e "/no such file": exit status 1',
    ],
  ])('whose package is there but whose %s has failed', async (_what, checks, step, said) => {
    const error = await installErrorOf(await bench.build(recipe(`packages: [hello]\n${checks}`)));
    expect(error).toMatchObject({ step });
    expect(error.message).toContain(said);
  });

  test('whose files belong to an account that the image lacks has failed', async () => {
    await bench.write('note.txt', 'note\n');
    const files = 'files: [{source: note.txt, target: /srv/note.txt, owner: "root:nobodys-group"}]';
    const error = await installErrorOf(await bench.build(recipe(files)));
    expect(error.message).toContain('unpacking its files');
    expect(error.message).toContain('"nobodys-group", and there is no such group');
  });
});

test('after all of them a good application is installed into the same saved machine', async () => {
  await mkdir(join(bench.out, id), { recursive: true });
  // What a script leaves behind holds neither the installation nor the medium up.
  const script = 'echo good\n(while :; do sleep 1000; done) &\nprintf "no line break at the end"';
  const build = await buildWithScript('good.sh', script);
  expect(build.result.error).toBeUndefined();
  expect(build.result.reused).toEqual(expect.arrayContaining(ran));
  expect(build.result.ran).toEqual(
    expect.arrayContaining(['app-install', 'vm-shutdown', 'capture', 'cleanup']),
  );
  expect(dataOf(build.events, 'vm.verdict')).toMatchObject([{ kind: 'clean' }]);
  const lines = dataOf(build.events, 'phase.log').map(({ line }) => line);
  expect(lines).toEqual(expect.arrayContaining(['good', 'no line break at the end']));
  expect(await bench.artifacts(id)).toEqual(['SHA256SUMS', 'ends.cdx.json', 'ends.qcow2', 'manifest.json']);
  expect(await checkImage(join(bench.out, id, 'ends.qcow2'), 'qcow2')).toMatchObject({ ok: true });
  expect(await bench.leftovers()).toEqual([]);
});

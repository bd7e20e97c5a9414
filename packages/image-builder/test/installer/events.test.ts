import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { installerAssets } from '../../src/asset.ts';

async function asset(name: string): Promise<string> {
  return (await installerAssets()).find((path) => path.endsWith(`/${name}.sh`)) ?? name;
}

/** What is said by a script that waits, in Bash, as the test's machine has no Busybox: its `read` has a time limit too. */
async function inInstaller(script: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-events-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const text = `set -u
. "$1"
events=$2/events
mkfifo "$events"
exec 8<>"$events"
now=0
seconds() { :; }
load_new_drivers() { echo drivers; }
tell() { echo block >&8; }
${script}`;
  const output = execFileSync('bash', ['--posix', '-c', text, 'bash', await asset('events'), folder], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return output.trim().split('\n');
}

test('a command is run once after all that was told, and not in between', async () => {
  const script = `looks=0
look() { looks=$((looks + 1)); echo "look $looks"; [ "$looks" = 3 ] || { tell; tell; false; }; }
tell; tell; tell
wait_for 20 look && echo found`;
  expect(await inInstaller(script)).toEqual([
    ...['drivers', 'look 1', 'drivers', 'look 2', 'drivers', 'look 3'],
    'found',
  ]);
});

test('at the deadline it is run once more, though nothing was told, and then no more', async () => {
  const script = `await_event() { now=$((now + $1)); return 1; }
look() { echo "look at $now"; return 1; }
wait_for 20 look || echo given up`;
  expect(await inInstaller(script)).toEqual(['drivers', 'look at 20', 'given up']);
});

test('an event that comes while it waits ends the wait', async () => {
  const script = `(sleep 0.2; tell) &
await_event 20 && echo heard
await_event 0.2 || echo quiet`;
  expect(await inInstaller(script)).toEqual(['heard', 'quiet']);
});

test.each([
  [{ ACTION: 'add', SUBSYSTEM: 'block' }, 'block'],
  [{ ACTION: 'change', SUBSYSTEM: 'block', DISK_MEDIA_CHANGE: '1' }, 'block'],
  [{ ACTION: 'add', SUBSYSTEM: 'net' }, 'net'],
  [{ ACTION: 'change', SUBSYSTEM: 'mem' }, 'mem'],
  [{ ACTION: 'add', SUBSYSTEM: 'usb', MODALIAS: 'usb:v1234' }, 'usb:v1234'],
  [{ ACTION: 'bind', SUBSYSTEM: 'usb', MODALIAS: 'usb:v1234' }, ''],
  [{ ACTION: 'remove', SUBSYSTEM: 'block' }, ''],
  [{ ACTION: 'add', SUBSYSTEM: 'module' }, ''],
  [{ ACTION: 'change', SUBSYSTEM: 'power_supply' }, ''],
])('of the event %o it is told: %s', async (event, told) => {
  const output = execFileSync('sh', [await asset('event')], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...event },
  });
  expect(output.trim()).toBe(told);
});

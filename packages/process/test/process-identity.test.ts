import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, test } from 'vitest';

import {
  isAlive,
  processIdentity,
  processLiveness,
  run,
  start,
  type ProcessIdentity,
} from '@osforge/process';

function own(): ProcessIdentity {
  const identity = processIdentity();
  if (identity === undefined) throw new Error('this process is alive');
  return identity;
}

test('this process is alive, and its identity is plain data', () => {
  // Written just before by JSON.stringify of the same type.
  const copy = JSON.parse(JSON.stringify(own())) as ProcessIdentity;
  expect(copy).toEqual(own());
  expect(copy.pid).toBe(process.pid);
  expect(isAlive(copy)).toBe(true);
});

test('a process that was killed is dead, also under a pid that is used again', async () => {
  const running = start('sleep', ['1000']);
  const identity = processIdentity(running.pid);
  expect(identity && processLiveness(identity)).toBe('alive');
  await running.killTree();
  expect(identity && processLiveness(identity)).toBe('dead');
  expect(processLiveness({ ...own(), startTimeTicks: '1' })).toBe('dead');
});

test('a zombie is dead', async () => {
  // The shell leaves a child that it never waits for: `exec` makes its parent a program that does not.
  const parent = spawn('sh', ['-c', 'sh -c "echo \\$\\$; exit" & exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const zombie = Number(line.toString());
  await expect.poll(() => processIdentity(zombie), { timeout: 20_000 }).toBeUndefined();
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(zombie)]);
  expect(stdout).toMatch(/^Z/);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
});

test('another start of the machine means dead, another process namespace means unknown', () => {
  expect(processLiveness({ ...own(), bootId: 'another' })).toBe('dead');
  const elsewhere = { ...own(), pidNamespace: 'pid:[1]' };
  expect(processLiveness(elsewhere)).toBe('unknown');
  expect(isAlive(elsewhere)).toBe(true);
});

test('a name with blanks and parentheses does not confuse it', async () => {
  const running = start('sh', ['-c', 'printf "a) R (b" >/proc/self/comm; echo up; read -r _ <&1'], {});
  await new Promise((resolve) => running.lines$.subscribe(resolve));
  expect(processIdentity(running.pid)).toEqual(processIdentity(running.pid));
  expect(processIdentity(running.pid)?.startTimeTicks).toMatch(/^\d{3,}$/);
  await running.killTree();
});

test('there is no process 0 and none that was never started', () => {
  expect(processIdentity(0)).toBeUndefined();
  expect(processIdentity(2 ** 30)).toBeUndefined();
});

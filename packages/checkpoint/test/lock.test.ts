import { spawnSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  CheckpointLockedError,
  CheckpointLockFailedError,
  CheckpointLockLostError,
  lockOwner,
  openCheckpoint,
} from '@osforge/checkpoint';
import { expect, onTestFinished, test } from 'vitest';
import { startChild } from './children/child.ts';
import type { Child } from './children/child.ts';
import { tempDirectory } from './temp-directory.ts';

async function start(): Promise<Child> {
  const child = startChild(new URL('./children/lock-child.ts', import.meta.url));
  onTestFinished(() => child.kill());
  expect(await child.nextLine()).toBe('ready');
  return child;
}

test('a build is held by one handle at a time, in this process too', async () => {
  const directory = tempDirectory();
  const first = await openCheckpoint({ directory, buildId: 'a' });
  const refused = openCheckpoint({ directory, buildId: 'a' });
  await expect(refused).rejects.toBeInstanceOf(CheckpointLockedError);
  await expect(refused).rejects.toMatchObject({ ownerPid: process.pid, buildId: 'a' });
  expect(await lockOwner({ directory, buildId: 'a' })).toMatchObject({ pid: process.pid, alive: true });
  await first.close();
  expect(await lockOwner({ directory, buildId: 'a' })).toBeUndefined();
  await (await openCheckpoint({ directory, buildId: 'a' })).close();
});

test('of two racing processes one gets the build, 50 times, and SIGKILL of it frees the build at once', async () => {
  const directory = tempDirectory();
  let [left, right] = await Promise.all([start(), start()]);
  let spare = start();
  for (let round = 0; round < 50; round += 1) {
    // Some rounds begin with the files that the last owner left, some with none.
    const buildId = `b${Math.floor(round / 5)}`;
    left.send(`open ${directory} ${buildId}`);
    right.send(`open ${directory} ${buildId}`);
    const answers = await Promise.all([left.nextLine(), right.nextLine()]);
    expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
    const [winner, loser] = answers[0] === 'held' ? [left, right] : [right, left];
    const refusal = answers[0] === 'held' ? answers[1] : answers[0];
    // The pid is absent only where the owner had not signed yet.
    expect(refusal).toMatch(new RegExp(`^CHECKPOINT_LOCKED (${winner.pid}|undefined)$`));

    // No rest of the dead owner stops the next one, at the first try.
    const [died] = await Promise.all([winner.kill(), spare]);
    expect(died).toBeUndefined();
    expect(await lockOwner({ directory, buildId })).toMatchObject({ pid: winner.pid, alive: false });
    loser.send(`open ${directory} ${buildId}`);
    expect(await loser.nextLine()).toBe('held');
    const next = await spare;
    next.send(`open ${directory} ${buildId}`);
    expect(await next.nextLine()).toBe(`CHECKPOINT_LOCKED ${loser.pid}`);
    loser.send('close');
    expect(await loser.nextLine()).toBe('closed');
    [left, right] = [loser, next];
    spare = start();
  }
  await spare;
  expect(readdirSync(directory).filter((name) => !name.endsWith('.lock'))).toEqual([]);
}, 300_000);

test('a racer that has looked but not let go yet makes nobody else lose', async () => {
  const directory = tempDirectory();
  await (await openCheckpoint({ directory, buildId: 'a' })).close();
  // Where a racer is from its first lock on until it has lost: it shares the file with whoever wins.
  const racer = new DatabaseSync(join(directory, 'checkpoint-a.lock'), { timeout: 0 });
  racer.exec('BEGIN; SELECT * FROM sqlite_schema');
  const winner = await openCheckpoint({ directory, buildId: 'a' });
  expect(() => {
    racer.exec('COMMIT; BEGIN IMMEDIATE');
  }).toThrow('database is locked');
  racer.close();
  await expect(openCheckpoint({ directory, buildId: 'a' })).rejects.toBeInstanceOf(CheckpointLockedError);
  await winner.close();
});

test('a child process that outlives a killed owner does not keep the lock', async () => {
  const directory = tempDirectory();
  const owner = await start();
  owner.send(`open ${directory} a`);
  expect(await owner.nextLine()).toBe('held');
  owner.send('spawn');
  const survivor = Number(await owner.nextLine());
  onTestFinished(() => {
    process.kill(survivor);
  });
  await owner.kill();
  await (await openCheckpoint({ directory, buildId: 'a' })).close();
  expect(process.kill(survivor, 0)).toBe(true);
});

test('an owner that says nothing of itself, or is dead, is not named', async () => {
  const directory = tempDirectory();
  const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
  for (const text of ['', '{"pid":1', '{"pid":"1"}']) {
    writeFileSync(join(directory, 'checkpoint-a.owner'), text);
    await expect(openCheckpoint({ directory, buildId: 'a' })).rejects.toMatchObject({
      code: 'CHECKPOINT_LOCKED',
      ownerPid: undefined,
    });
  }
  await checkpoint.close();
});

test('an owner on another host is neither alive nor dead', async () => {
  const directory = tempDirectory();
  const owner = {
    pid: 1,
    host: 'elsewhere',
    since: '2026-01-01T00:00:00.000Z',
    startTime: '1',
    realm: 'other',
  };
  writeFileSync(join(directory, 'checkpoint-a.owner'), JSON.stringify(owner));
  expect(await lockOwner({ directory, buildId: 'a' })).toEqual({
    pid: 1,
    host: 'elsewhere',
    since: '2026-01-01T00:00:00.000Z',
    alive: 'unknown',
  });
  await (await openCheckpoint({ directory, buildId: 'a' })).close();
});

test('nothing is written once the lock file is gone or another', async () => {
  const directory = tempDirectory();
  const first = await openCheckpoint({ directory, buildId: 'a' });
  await first.update((record) => ({ ...record, percentComplete: 1 }));
  rmSync(join(directory, 'checkpoint-a.lock'));
  await expect(first.update((record) => record)).rejects.toBeInstanceOf(CheckpointLockLostError);
  const second = await openCheckpoint({ directory, buildId: 'a' });
  await second.update((record) => ({ ...record, percentComplete: 2 }));
  await expect(first.update((record) => record)).rejects.toBeInstanceOf(CheckpointLockLostError);
  await first.close();
  await second.update((record) => ({ ...record, percentComplete: 3 }));
  await second.close();
});

test('a foreign file in the place of the lock is refused and kept', async () => {
  const directory = tempDirectory();
  const path = join(directory, 'checkpoint-a.lock');
  writeFileSync(path, 'not a lock\n'.repeat(200));
  await expect(openCheckpoint({ directory, buildId: 'a' })).rejects.toBeInstanceOf(CheckpointLockFailedError);
  renameSync(path, join(directory, 'kept'));
  await (await openCheckpoint({ directory, buildId: 'a' })).close();
});

test('nothing is printed when SQLite is loaded, and other warnings are', () => {
  const script = `
    const { openCheckpoint } = await import('@osforge/checkpoint');
    const checkpoint = await openCheckpoint({ directory: process.argv[1], buildId: 'a' });
    await checkpoint.close();
    process.emitWarning('of somebody else');
  `;
  const ran = spawnSync(
    process.execPath,
    ['--conditions=@osforge/source', '--input-type=module', '-e', script, '--', tempDirectory()],
    { encoding: 'utf8', cwd: import.meta.dirname },
  );
  expect(ran.stdout).toBe('');
  expect(ran.stderr).not.toMatch(/SQLite/);
  expect(ran.stderr).toMatch(/of somebody else/);
  expect(ran.status).toBe(0);
});

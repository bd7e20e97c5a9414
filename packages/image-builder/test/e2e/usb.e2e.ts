/** Phase `usb` of a whole build: confirmed before anything runs, killed while it writes, gone on with, reused. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  builderCommand,
  lastOf,
  phasesOf,
  plainEnvironment,
  repository,
  runEventProcess,
  type EventProcessEnd,
} from './fixtures/event-process.ts';

const cache = path.join(tmpdir(), 'osforge-e2e-cache');
const diskBytes = 2 * 1024 ** 3;
let root: string;
let recipe: string;
const loops: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-e2e-usb-'));
  for (const name of ['a', 'b']) {
    const file = path.join(root, `${name}.img`);
    execFileSync('truncate', ['-s', String(diskBytes), file]);
    loops.push(execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim());
  }
  const shipped = await readFile(path.join(repository, 'recipes', 'debian-no-apps.yaml'), 'utf8');
  recipe = path.join(root, 'recipe.yaml');
  const targets = [...loops, path.join(root, 'file.raw')].join(', ');
  await writeFile(recipe, `${shipped}\ncapture:\n  formats: [raw.zst]\nusb:\n  targets: [${targets}]\n`);
});

afterAll(async () => {
  for (const loop of loops) execFileSync('losetup', ['--detach', loop]);
  await rm(root, { recursive: true, force: true });
});

function build(answer: 'confirm' | 'decline' | 'nobody', killAtBytes?: number): Promise<EventProcessEnd> {
  const kill = killAtBytes === undefined ? [] : [String(killAtBytes)];
  return runEventProcess(
    builderCommand('confirming-builder.ts', [
      recipe,
      path.join(root, 'out'),
      'stick',
      cache,
      answer,
      ...kill,
    ]),
    { env: plainEnvironment() },
  );
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { end: diskBytes - 1 }), hash);
  return hash.digest('hex');
}

test('nothing runs until somebody has confirmed what is overwritten', async () => {
  const nobody = await build('nobody');
  expect(nobody.code).toBe(1);
  expect(lastOf(nobody.events, 'build.failed')).toMatchObject({ code: 'USB_NOT_CONFIRMED' });
  expect(nobody.stderr).toContain('add --yes');
  const declined = await build('decline');
  expect(declined.code).toBe(130);
  for (const { events } of [nobody, declined]) expect(phasesOf(events, 'phase.started')).toEqual([]);
});

test('killed while it writes, it goes on there; then there is nothing to do', async () => {
  // Some ranges are verified by then, and most are still to come.
  const killed = await build('confirm', 256 * 1024 ** 2);
  expect(killed.signal).toBe('SIGKILL');
  expect(phasesOf(killed.events, 'phase.completed')).toContain('capture');

  const resumed = await build('confirm');
  expect(resumed.stderr).toBe('');
  expect(resumed.code).toBe(0);
  expect(phasesOf(resumed.events, 'phase.started')).toEqual(['usb', 'cleanup']);
  expect(resumed.events.some(({ type, data }) => type === 'usb.target' && data['state'] === 'resuming')).toBe(
    true,
  );
  const receipts = path.join(root, 'out', 'stick', 'usb');
  const [first = '', second = ''] = loops.map((loop) => `${path.basename(loop)}.receipt.json`);
  expect((await readdir(receipts)).sort()).toEqual(['file.raw.receipt.json', first, second].sort());
  // The shape of a manifest.
  const manifest = JSON.parse(await readFile(path.join(root, 'out', 'stick', 'manifest.json'), 'utf8')) as {
    rawDisk: { sha256: string };
  };
  for (const target of [...loops, path.join(root, 'file.raw')]) {
    if (target.startsWith('/dev/')) execFileSync('blockdev', ['--flushbufs', target]);
    expect(await sha256Of(target)).toBe(manifest.rawDisk.sha256);
  }

  const again = await build('nobody');
  expect(again.code).toBe(0);
  expect(phasesOf(again.events, 'phase.reused')).toContain('usb');
  expect(phasesOf(again.events, 'phase.started')).toEqual([]);
});

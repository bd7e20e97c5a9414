/**
 * A build on a disk that is full at the worst moment: it says so, keeps what was committed, and goes on once there is
 * space. Each test continues the build of the one before. Needs root (a tmpfs is mounted) and 2 GiB of free memory.
 *
 * With OSFORGE_SOAK=1 the disk is also full at further moments, which repeat the longest phase.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readJournal } from '@osforge/event-bus';
import { loadRecipe, showBuild, startBuild } from '@osforge/image-builder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  builderCommand,
  lastOf,
  phasesOf,
  plainEnvironment,
  repository,
  runEventProcess,
  type EventProcessEnd,
} from './fixtures/event-process.ts';
import type { Fill } from './fixtures/filling-builder.ts';
import { mountTmpfs, resizeTmpfs, unmountTmpfs } from './fixtures/tmpfs.ts';

const mebibyte = 1024 ** 2;
/** Little more than preflight asks for: an earlier run's own files must not count against the next one. */
const wholeBytes = 3 * 1024 * mebibyte + 256 * mebibyte;
const buildId = 'on-a-full-disk';
const recipe = path.join(repository, 'recipes', 'debian-no-apps.yaml');
const cache = path.join(tmpdir(), 'osforge-e2e-cache');
const soak = process.env['OSFORGE_SOAK'] === '1';

let root: string;
let tmpfs: string;
let out: string;
let state: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-e2e-full-'));
  tmpfs = path.join(root, 'small');
  out = path.join(tmpfs, 'out');
  state = path.join(out, buildId, '.osforge');
  await mkdir(tmpfs);
  mountTmpfs(tmpfs, wholeBytes);
});

afterAll(async () => {
  unmountTmpfs(tmpfs);
  await rm(root, { recursive: true, force: true });
});

/** Runs the build once on the whole disk, which is made full as `fill` says. */
async function build(fill?: Omit<Fill, 'tmpfs'>): Promise<EventProcessEnd> {
  resizeTmpfs(tmpfs, wholeBytes);
  const end = await runEventProcess(builderCommand('filling-builder.ts', [recipe, out, buildId, cache]), {
    env: plainEnvironment({
      TMPDIR: root,
      ...(fill === undefined ? {} : { OSFORGE_E2E_FILL: JSON.stringify({ tmpfs, ...fill }) }),
    }),
  });
  if (fill !== undefined) lastOf(end.events, 'test.filled');
  return end;
}

/** What a full disk must lead to, whenever it is full. */
async function expectFull(
  end: EventProcessEnd,
  wanted: { phase: string; code: string; message: RegExp; kept: string[] },
): Promise<void> {
  const { phase, code, message, kept } = wanted;
  expect(lastOf(end.events, 'phase.failed')).toMatchObject({ phase, code });
  expect(end.code).toBe(1);
  expect(end.stderr).toMatch(message);
  const { record, state: summary } = await showBuild(out, buildId);
  expect(summary).toBe('incomplete');
  const done = Object.entries(record?.phases ?? {}).filter(([, one]) => one.state === 'done');
  expect(done.map(([name]) => name).sort()).toEqual([...kept].sort());
}

describe('a disk that is full (needs root)', () => {
  test('while the record of `updates` is written', async () => {
    await mkdir(path.join(state, 'work'), { recursive: true });
    const end = await build({ written: { folder: path.join(state, 'work'), name: 'base.json' } });
    await expectFull(end, {
      phase: 'updates',
      code: 'CHECKPOINT_NO_SPACE',
      message: /no space is left to write .*checkpoint-on-a-full-disk\.json.*free some space and run again/,
      kept: ['preflight'],
    });
  });

  test('while the packages are unpacked', async () => {
    const end = await build({
      at: { type: 'phase.log', data: { phase: 'disk' }, text: '^Unpacking', nth: 5 },
    });
    expect(phasesOf(end.events, 'phase.started')).toEqual(['updates', 'disk']);
    await expectFull(end, {
      phase: 'disk',
      code: 'DISK_IMAGE_DISK_FULL',
      message: /no space left on the device while writing .*\.osforge\/work\/disk.*free some space/,
      kept: ['preflight', 'updates'],
    });
  });

  test('while mkfs.ext4 fills the image', async () => {
    const moment = { type: 'phase.log', data: { phase: 'disk' }, text: 'running --customize-hook' };
    // Enough for what the hook copies before, not for the file system.
    const end = await build({ at: moment, leaveBytes: 160 * mebibyte });
    expect(phasesOf(end.events, 'phase.started')).toEqual(['disk']);
    await expectFull(end, {
      phase: 'disk',
      code: 'DISK_IMAGE_DISK_FULL',
      message: /no space left on the device while writing .*\.osforge\/work\/disk.*free some space/,
      kept: ['preflight', 'updates'],
    });
    const log = end.events.filter(({ type }) => type === 'phase.log').map(({ data }) => String(data['line']));
    expect(log.filter((line) => /^mkfs\.ext4:|mke2fs/.test(line))).not.toEqual([]);
  });

  if (soak) {
    test('while the record of `disk` is written', async () => {
      const end = await build({
        at: { type: 'phase.progress', data: { phase: 'disk' }, text: 'fixing time stamps' },
      });
      await expectFull(end, {
        phase: 'disk',
        code: 'CHECKPOINT_NO_SPACE',
        message: /no space is left to write/,
        kept: ['preflight', 'updates'],
      });
    });
  }

  test('while the record of `os-updates` is written', async () => {
    const end = await build({ at: { type: 'phase.started', data: { phase: 'os-updates' } } });
    expect(phasesOf(end.events, 'phase.completed')).toEqual(['disk']);
    await expectFull(end, {
      phase: 'os-updates',
      code: 'CHECKPOINT_NO_SPACE',
      message: /no space is left to write .*checkpoint-on-a-full-disk\.json/,
      kept: ['preflight', 'updates', 'disk'],
    });
  });

  test('while the artifacts are made', async () => {
    // Enough for the record, not for an image.
    const end = await build({
      at: { type: 'phase.started', data: { phase: 'capture' } },
      leaveBytes: 16 * mebibyte,
    });
    await expectFull(end, {
      phase: 'capture',
      code: 'DISK_IMAGE_DISK_FULL',
      message: /no space left on the device while writing .*debian-no-apps\.(qcow2|vhdx): free some space/,
      kept: ['preflight', 'updates', 'disk', 'os-updates'],
    });
    expect(await readdir(path.join(out, buildId))).toEqual(['.osforge']);
  });

  test('and is still full when the next run begins', async () => {
    const end = await build({ at: { type: 'phase.started', data: { phase: 'capture' } } });
    await expectFull(end, {
      phase: 'capture',
      code: 'PREFLIGHT_FAILED',
      message: /disk space: 0 MiB free in .*, \d+ MiB needed\n\s+Free some space/,
      kept: ['preflight', 'updates', 'disk', 'os-updates'],
    });
  });

  test('and has space again: only what was not done is done', async () => {
    const end = await build();
    expect(end.stderr).toBe('');
    expect(phasesOf(end.events, 'phase.started')).toEqual(['capture', 'cleanup']);
    expect(lastOf(end.events, 'build.completed')).toMatchObject({ buildId, unchanged: false });
    const folder = path.join(out, buildId);
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder });
    expect((await readdir(folder)).sort()).toEqual(
      [
        '.osforge',
        'SHA256SUMS',
        'debian-no-apps.cdx.json',
        'debian-no-apps.qcow2',
        'debian-no-apps.vhdx',
        'manifest.json',
      ].sort(),
    );
    // What could not be written while the disk was full is missing from the journal; it is whole all the same.
    const types: string[] = [];
    for await (const event of readJournal(path.join(state, 'events.ndjson'))) types.push(event.type);
    expect(types.at(-1)).toBe('build.completed');
    const { leftovers } = await showBuild(out, buildId);
    expect(leftovers).toBe(0);
  });
});

describe('an output folder that cannot be used (needs root)', () => {
  const refusal = async (folder: string, id = buildId): Promise<Error> => {
    const started = startBuild(await loadRecipe(recipe), {
      outDirectory: folder,
      buildId: id,
      cacheDirectory: cache,
    });
    // Whatever comes, the caller looks at it.
    return started.then(
      () => new Error('it has started'),
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
  };

  test('is refused before anything starts: a read-only disk', async () => {
    execFileSync('mount', ['-o', 'remount,ro', tmpfs]);
    try {
      for (const folder of [out, path.join(tmpfs, 'not-there-yet', 'out')]) {
        const error = await refusal(folder);
        expect(error).toMatchObject({ code: 'PREFLIGHT_FAILED' });
        expect(error.message).toMatch(/is on a read-only file system\n\s+Choose another folder with --out/);
      }
    } finally {
      execFileSync('mount', ['-o', 'remount,rw', tmpfs]);
    }
  });

  test('is refused before anything starts: a file in its place, a folder in place of its journal', async () => {
    const file = path.join(root, 'file');
    await writeFile(file, '');
    const error = await refusal(file);
    expect(error).toMatchObject({ code: 'PREFLIGHT_FAILED' });
    expect(error.message).toMatch(/is not a folder/);

    const journal = path.join(root, 'odd', 'a', '.osforge', 'events.ndjson');
    await mkdir(journal, { recursive: true });
    const other = await refusal(path.join(root, 'odd'), 'a');
    expect(other).toMatchObject({ code: 'PREFLIGHT_FAILED' });
    expect(other.message).toMatch(/events\.ndjson is a folder/);
    expect(await readdir(path.dirname(journal))).toEqual(['events.ndjson']);
  });
});

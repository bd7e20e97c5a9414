/** What becomes of an FFU that a build has begun: real builds, whose phases before `capture` are recorded as done. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint, readCheckpoint } from '@osforge/checkpoint';
import { captureWorkFiles } from '@osforge/disk-image';
import { runPipeline, type Phase, type PhaseResult } from '@osforge/pipeline';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { cleanBuild, loadRecipe, startBuild, type StartBuildOptions } from '@osforge/image-builder';
import { openEnvironment } from '../../src/build/open-environment.ts';
import { buildPhases } from '../../src/phases/index.ts';
import { diskLines, makeCaptureDisk } from '../capture/capture-disk.ts';

const mib = 1024 ** 2;
const sourceDateEpoch = 1_700_000_000;

let disks: string;
let disk: string;
let root: string;
let out: string;

beforeAll(async () => {
  disks = await mkdtemp(path.join(tmpdir(), 'osforge-begun-disk-'));
  // Some checkpoints of the FFU's journal are in it.
  disk = await makeCaptureDisk(disks, { 'srv/data': randomBytes(224 * mib) }, sourceDateEpoch);
});
afterAll(async () => {
  await rm(disks, { recursive: true, force: true });
});
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-begun-'));
  out = path.join(root, 'out');
  await writeFile(recipe(), `version: 1\nname: demo\n${diskLines}capture: { formats: [ffu, qcow2] }\n`);
  await doneUpToCapture();
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const recipe = (): string => path.join(root, 'recipe.yaml');
const state = (): string => path.join(out, 'demo', '.osforge');
const work = (): string => path.join(state(), 'work');
const target = (): string => path.join(work(), 'ffu', 'demo.ffu');
const begun = (): Promise<string[]> => readdir(path.join(work(), 'ffu')).catch(() => []);

const options = () => ({ outDirectory: out, cacheDirectory: path.join(root, 'cache'), variables: {} });

/** The build is on record as done up to its capture, with the disk of this file. */
async function doneUpToCapture(): Promise<void> {
  const environment = await openEnvironment(await loadRecipe(recipe()), options(), undefined);
  const { directory } = environment.layout;
  await mkdir(work(), { recursive: true });
  await link(disk, path.join(work(), 'disk.raw'));
  const results: Record<string, PhaseResult> = {
    preflight: { artifacts: [], data: { sourceDateEpoch, suites: [] } },
    disk: { artifacts: [{ name: 'disk', path: path.join(work(), 'disk.raw'), retention: 'transient' }] },
  };
  const phases = buildPhases(environment).map((phase): Phase => ({
    ...phase,
    run: () => {
      if (phase.name === 'capture') return Promise.reject(new Error('enough'));
      return Promise.resolve(results[phase.name] ?? { artifacts: [] });
    },
  }));
  const checkpoint = await openCheckpoint({ directory: state(), buildId: 'demo' });
  const { error } = await runPipeline({ phases, checkpoint, directory }).result;
  await checkpoint.close();
  expect(error?.message).toContain('enough');
}

/** One run of the build; with `cancel`, until it is in the middle of its FFU. */
async function build({ cancel = false, ...rest }: Partial<StartBuildOptions> & { cancel?: boolean } = {}) {
  const controller = new AbortController();
  const { bus, result } = await startBuild(await loadRecipe(recipe()), {
    ...options(),
    signal: controller.signal,
    ...rest,
  });
  const lines: string[] = [];
  bus.select('phase.log').subscribe(({ data }) => lines.push(data.line));
  let told = 0;
  bus.select('phase.progress').subscribe(({ data }) => {
    if (data.step !== 'making demo.ffu') return;
    // It is told about once for each MiB of the FFU.
    told += 1;
    if (cancel && told === 140) controller.abort();
  });
  return { ...(await result), lines };
}

/** From now on to the end of the test qcow2 fails, as soon as the FFU is begun. */
async function failOtherFormat(): Promise<void> {
  const tools = path.join(root, 'tools');
  await mkdir(tools);
  const [partial = ''] = captureWorkFiles(target());
  const before = process.env['PATH'] ?? '';
  const script = [
    '#!/bin/sh',
    // The FFU asks the real one what is on the disk.
    `PATH='${before}'`,
    '[ "$1" = convert ] || exec qemu-img "$@"',
    `until [ -s '${partial}' ] || [ -e '${target()}' ]; do sleep 0.02; done`,
    'exit 1',
    '',
  ];
  await writeFile(path.join(tools, 'qemu-img'), script.join('\n'), { mode: 0o755 });
  process.env['PATH'] = `${tools}:${before}`;
  onTestFinished(() => {
    process.env['PATH'] = before;
  });
}

test.each<[string, Pick<StartBuildOptions, 'onError' | 'ask'>]>([
  ['with cleanup', { onError: 'cleanup' }],
  ['where the answer is cleanup', { onError: 'ask', ask: () => 'cleanup' }],
])('a build that fails %s removes it, and nothing of what is finished', async (_, wish) => {
  await failOtherFormat();
  const { outcome, error } = await build(wish);
  expect(outcome).toBe('failed');
  expect(error?.message).toContain('qemu-img');
  expect(await readdir(work())).toEqual(['disk.raw']);
  const record = await readCheckpoint({ directory: state(), buildId: 'demo' });
  expect(record?.ledger).toEqual([]);
  expect(record?.phases['disk']?.state).toBe('done');
});

test.each<[string, Pick<StartBuildOptions, 'onError' | 'ask'>]>([
  ['without a word on it', {}],
  ['where the answer is keep', { onError: 'ask', ask: () => 'keep' }],
])('a build that fails %s keeps it', async (_, wish) => {
  await failOtherFormat();
  expect((await build(wish)).outcome).toBe('failed');
  const [partial = '', journal = ''] = captureWorkFiles(target()).map((file) => path.basename(file));
  const kept = await begun();
  // On a busy machine the other format may fail when the FFU is whole.
  if (!kept.includes(path.basename(target())))
    expect(kept).toEqual(expect.arrayContaining([partial, journal]));
});

test('a build that is cancelled keeps it, cleaning the build does too, and the next run goes on with it', async () => {
  const { outcome } = await build({ onError: 'cleanup', cancel: true });
  expect(outcome).toBe('cancelled');
  const kept = await begun();
  const whole = path.basename(target());
  expect(kept.some((name) => name === whole || name === `${whole}.partial`)).toBe(true);

  const report = await cleanBuild(out, 'demo');
  expect(report).toMatchObject({ failed: [], unknown: [], blocked: [] });
  expect(await begun()).toEqual(kept);

  const next = await build();
  expect(next.error).toBeUndefined();
  expect(next.outcome).toBe('completed');
  expect(next.lines).toContainEqual(expect.stringMatching(/^demo\.ffu went on from an earlier run/));
  expect(await begun()).toEqual([]);
});

test('cleaning all of the build removes it', async () => {
  await build({ cancel: true });
  expect(await begun()).not.toEqual([]);
  await cleanBuild(out, 'demo', { all: true });
  expect(await readdir(out)).toEqual([]);
});

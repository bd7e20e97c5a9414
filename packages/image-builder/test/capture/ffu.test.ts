import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { captureWorkFiles, openFfu, rawContentDigest, verifyImage } from '@osforge/disk-image';
import { hashFile } from '@osforge/flush';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { diskLines, makeCaptureDisk } from './capture-disk.ts';
import { runCapture, type CaptureRequest, type Said } from './capture-run.ts';

const mib = 1024 ** 2;
const sourceDateEpoch = 1_700_000_000;
/** Some checkpoints of 64 MiB are in it. */
const dataBytes = 224 * mib;

let disks: string;
let disk: string;
let machineDisk: string;
let folder: string;

beforeAll(async () => {
  disks = await mkdtemp(path.join(tmpdir(), 'osforge-ffu-disk-'));
  // Every second block expands by half: of use to a compressed FFU, and of no effect on another.
  const data = randomBytes(dataBytes);
  for (let at = 0; at < dataBytes; at += 256 * 1024) data.fill(7, at, at + 64 * 1024);
  disk = await makeCaptureDisk(disks, { 'srv/data': data }, sourceDateEpoch);
  machineDisk = path.join(disks, 'final.qcow2');
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', disk, machineDisk]);
});
afterAll(async () => {
  await rm(disks, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-ffu-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const output = (name: string, build = 'build'): string => path.join(folder, build, 'out', 'demo', name);
const work = (): string => output('.osforge/work');
const target = (): string => path.join(work(), 'ffu', 'demo.ffu');

function request(more: Partial<CaptureRequest> & { readonly capture?: string } = {}): CaptureRequest {
  const { capture = 'formats: [ffu]', ...rest } = more;
  return {
    folder: path.join(folder, 'build'),
    lines: `${diskLines}capture: { ${capture} }\n`,
    disk,
    sourceDateEpoch,
    ...rest,
  };
}

/** A run in a process of its own that kills itself. */
async function killed(
  one: CaptureRequest,
  step: string,
  at: { fraction?: number; nth?: number } = {},
): Promise<Said[]> {
  const program = path.join(import.meta.dirname, 'capture-run.ts');
  const child = spawn(
    process.execPath,
    ['--conditions=@osforge/source', program, JSON.stringify({ ...one, killAt: { step, ...at } })],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const said: Said[] = [];
  // The program writes nothing else.
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as Said));
  const signal = await new Promise((resolve) => {
    child.once('close', (_code, by) => {
      resolve(by);
    });
  });
  expect(signal).toBe('SIGKILL');
  return said;
}

/** A run to its end; gives all that it said. Nothing of its work may stay. */
async function finished(one: CaptureRequest): Promise<Said[]> {
  const said: Said[] = [];
  const { artifacts } = await runCapture(one, (more) => said.push(more));
  expect(artifacts.map(({ name }) => name)).toContain('demo.ffu');
  expect(await readdir(work())).toEqual([]);
  return said;
}

const logged = (said: readonly Said[]): string[] =>
  said.flatMap(({ log }) => (log === undefined ? [] : [log]));

/** Part of the FFU that was there when a run with no other format began to write it. */
function firstFraction(said: readonly Said[]): number {
  const first = said.find(({ progress }) => progress?.step === 'making demo.ffu')?.progress;
  return ((first?.fraction ?? 0.3) - 0.3) / 0.6;
}

function resumedPart(said: readonly Said[]): number {
  const match = /has written (\d+) of its (\d+) blocks/.exec(logged(said).join('\n'));
  return match === null ? 0 : Number(match[1]) / Number(match[2]);
}

/** SHA-256 of FFUs that were made in one go, by what they were made from. */
const undisturbed = new Map<string, string>();

async function expectUndisturbed({
  lines,
  disk: source,
  sourceDateEpoch: epoch,
}: CaptureRequest): Promise<void> {
  const key = JSON.stringify([lines, source, epoch]);
  let sha256 = undisturbed.get(key);
  if (sha256 === undefined) {
    const place = path.join(folder, 'undisturbed');
    await runCapture({ folder: place, lines, disk: source, sourceDateEpoch: epoch });
    ({ sha256 } = await hashFile(output('demo.ffu', 'undisturbed')));
    undisturbed.set(key, sha256);
  }
  expect((await hashFile(output('demo.ffu'))).sha256).toBe(sha256);
}

/** In the middle of the FFU, of which a checkpoint or two are on the disk. */
const inTheMiddle = { fraction: 0.3 + 0.6 * 0.6 };

describe.each([
  ['V1, of a disk without a machine', { capture: 'formats: [ffu]' }],
  ['compressed, of what a machine has left', { capture: 'formats: [ffu], ffu: { compress: true }' }],
])('an FFU: %s', (title, { capture }) => {
  const fromMachine = title.includes('what a machine');
  const one = (): CaptureRequest => request({ capture, disk: fromMachine ? machineDisk : disk });

  test('killed twice, it goes on where it was, and is byte for byte that of an undisturbed run', async () => {
    await killed(one(), 'making demo.ffu', inTheMiddle);
    expect((await readdir(output('.'))).sort()).toEqual(['.osforge']);
    const again = await killed(one(), 'making demo.ffu', { fraction: 0.3 + 0.6 * 0.92 });
    expect(firstFraction(again)).toBeGreaterThan(0.2);

    const said = await finished(one());
    expect(firstFraction(said)).toBeGreaterThan(0.5);
    expect(resumedPart(said)).toBeGreaterThan(0.5);
    if (fromMachine) expect(logged(said)).toContain('the disk that an earlier run has folded up is used');
    await expectUndisturbed(one());

    const { ok, checks } = await verifyImage(output('demo.ffu'));
    expect(ok, JSON.stringify(checks)).toBe(true);
    expect(await rawContentDigest(output('demo.ffu'), 'ffu')).toBe(await rawContentDigest(disk));
    const image = await openFfu(output('demo.ffu'));
    expect(image.store.kind).toBe(fromMachine ? 'v1-compressed' : 'v1');
    await image.close();
  });

  test('killed when it was whole, it is not made again', async () => {
    await killed(one(), 'writing the manifest');
    const said = await finished(one());
    expect(logged(said)).toContain('demo.ffu is whole since an earlier run');
    await expectUndisturbed(one());
  });
});

test('killed with other formats, those are made anew and the FFU goes on', async () => {
  const one = request({ capture: 'formats: [ffu, raw.zst]' });
  // It is told about once for each MiB of the FFU.
  await killed(one, 'making demo.ffu', { nth: 140 });
  const said = await finished(one);
  expect(resumedPart(said)).toBeGreaterThan(0.2);
  const { checks } = await verifyImage(output('demo.raw.zst'));
  expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
  await expectUndisturbed(one);
});

test('cancelled, it goes on as well', async () => {
  const controller = new AbortController();
  const cancelled = runCapture(
    request(),
    ({ progress }) => {
      if ((progress?.fraction ?? 0) >= inTheMiddle.fraction) controller.abort();
    },
    controller.signal,
  );
  await expect(cancelled).rejects.toThrow();
  expect(resumedPart(await finished(request()))).toBeGreaterThan(0.2);
  await expectUndisturbed(request());
});

describe('what a killed run has left of', () => {
  test.each<[string, () => CaptureRequest]>([
    ['another date', () => request({ sourceDateEpoch: sourceDateEpoch + 1 })],
    ['another kind', () => request({ capture: 'formats: [ffu], ffu: { compress: true }' })],
    ['another disk', () => request({ disk: path.join(disks, 'copy.raw') })],
  ])('%s is not used', async (name, next) => {
    if (name === 'another disk') await copyFile(disk, path.join(disks, 'copy.raw'));
    await killed(request(), 'making demo.ffu', inTheMiddle);
    const said = await finished(next());
    expect(logged(said)).toEqual([]);
    expect(firstFraction(said)).toBeLessThan(0.1);
    await expectUndisturbed(next());
  });

  test('an FFU is removed where the recipe has none any more', async () => {
    await killed(request(), 'making demo.ffu', inTheMiddle);
    expect((await readdir(path.join(work(), 'ffu'))).length).toBeGreaterThan(1);
    await runCapture(request({ capture: 'formats: [raw.zst]' }));
    expect(await readdir(work())).toEqual([]);
  });

  test.each(['a run that was cut', 'a whole file'])('%s, changed since, is made anew', async (what) => {
    const whole = what === 'a whole file';
    if (whole) await killed(request(), 'writing the manifest');
    else await killed(request(), 'making demo.ffu', inTheMiddle);
    const [partial = ''] = captureWorkFiles(target());
    const file = await open(whole ? target() : partial, 'r+');
    await file.write(Buffer.from('changed'), 0, 7, 20 * mib);
    await file.close();
    const said = await finished(request());
    expect(logged(said).join()).toContain(whole ? '' : 'demo.ffu does not hold');
    await expectUndisturbed(request());
  });

  test('the disk of a machine, changed since, is folded up again', async () => {
    const one = request({ disk: machineDisk });
    await killed(one, 'making demo.ffu', inTheMiddle);
    const file = await open(path.join(work(), 'ffu', 'disk.raw'), 'r+');
    await file.write(Buffer.from('changed'), 0, 7, 200 * mib);
    await file.close();
    expect(logged(await finished(one))).toEqual([]);
    await expectUndisturbed(one);
  });
});

test('cancelled before an FFU is begun, nothing stays', async () => {
  const controller = new AbortController();
  const cancelled = runCapture(
    request({ disk: machineDisk }),
    ({ progress }) => {
      if (progress?.step === 'reading the file tree') controller.abort();
    },
    controller.signal,
  );
  await expect(cancelled).rejects.toThrow();
  expect(await readdir(work())).toEqual([]);
});

test('a format that fails ends the others: the FFU does not write on, and goes on in the next run', async () => {
  const tools = path.join(folder, 'tools');
  await mkdir(tools);
  await writeFile(path.join(tools, 'qemu-img'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = `${tools}:${before}`;
  try {
    await expect(runCapture(request({ capture: 'formats: [ffu, qcow2]' }))).rejects.toThrow('qemu-img');
  } finally {
    process.env['PATH'] = before;
  }
  const one = request({ capture: 'formats: [ffu, qcow2]' });
  await finished(one);
  expect(await rawContentDigest(output('demo.ffu'), 'ffu')).toBe(await rawContentDigest(disk));
});

import { spawn } from 'node:child_process';
import { open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  captureFfu,
  type CaptureFfuOptions,
  captureWorkFiles,
  contentDigest,
  convertImage,
  createSparseFile,
  DiskFullError,
  extractFfu,
  FfuBusyError,
  FfuDigestError,
  FfuFormatError,
  FfuSourceError,
  GptFormatError,
  isTransientDiskImageError,
  openFfu,
  openRaw,
  rawContentDigest,
  readGpt,
  verifyFfu,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { seededRandom, tempFolder, tool } from '../temp.ts';
import { builtChild } from './built-child.ts';
import { block, kib, makeDisk, mib, sampleBytes } from './disk.ts';

const child = fileURLToPath(new URL('capture-child.ts', import.meta.url));
const epoch = new Date('2026-01-02T03:04:05Z');

async function disk(
  options: Parameters<typeof makeDisk>[1] = {},
): Promise<{ folder: string; source: string; target: string }> {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  await makeDisk(source, options);
  return { folder, source, target: join(folder, 'disk.ffu') };
}

describe.each([
  ['V1', false],
  ['V1_COMPRESSED', true],
])('%s', (_, compress) => {
  test('a raw disk, whole and sparse, comes back as it was', async () => {
    const { folder, source, target } = await disk();
    const seen: string[] = [];
    const report = await captureFfu({
      source,
      target,
      compress,
      createdAt: epoch,
      onProgress: ({ step, doneBytes, totalBytes }) => seen.push(`${step} ${doneBytes / totalBytes}`),
    });
    expect(report).toMatchObject({
      path: target,
      kind: compress ? 'v1-compressed' : 'v1',
      sizeBytes: (await stat(target)).size,
      diskSizeBytes: 16 * mib,
      sectorSize: 512,
      resumedBlocks: 0,
    });
    // 1.5 MiB, 700 KiB, 2 MiB and one byte; GPT in the first and the last block; none of the stored zeros.
    expect(report.storedBlocks).toBe(12 + 6 + 17 + 1 + 2);
    expect(seen[0]).toBe('scan 1');
    expect(seen.at(-1)).toBe('finish 1');
    expect((await readdir(folder)).sort()).toEqual(['disk.ffu', 'disk.raw']);
    expect(await verifyFfu(target)).toEqual({
      ok: true,
      digests: 2 + 38,
      expectedDigests: 2 + 38,
      damage: [],
      damageCount: 0,
      catalog: { signed: false, status: 'matches', problem: undefined },
    });
    const back = join(folder, 'back.raw');
    const extracted = await extractFfu({ source: target, target: back });
    expect((await readFile(back)).equals(await readFile(source))).toBe(true);
    expect(extracted.writtenBytes).toBeLessThan(6 * mib);
    expect((await stat(back)).blocks * 512).toBeLessThan(6 * mib);
    expect(await rawContentDigest(target, 'ffu')).toBe(await rawContentDigest(source));
  });

  test('4096-byte sectors are told by the manifest', async () => {
    const { source, target } = await disk({ sectorSize: 4096 });
    await captureFfu({ source, target, compress });
    const image = await openFfu(target);
    expect(image.store.sectorSize).toBe(4096);
    expect((await readGpt(image)).sectorSize).toBe(4096);
    expect(await contentDigest(image)).toBe(await rawContentDigest(source));
    await image.close();
  });

  test('qcow2 and VHDX give the same file as raw', async () => {
    const { folder, source, target } = await disk();
    await captureFfu({ source, target, compress, createdAt: epoch });
    for (const format of ['qcow2', 'vhdx'] as const) {
      const image = join(folder, `disk.${format}`);
      await convertImage({ source, sourceFormat: 'raw', target: image, format });
      const other = join(folder, `${format}.ffu`);
      await captureFfu({ source: image, sourceFormat: format, target: other, compress, createdAt: epoch });
      expect((await readFile(other)).equals(await readFile(target))).toBe(true);
    }
  });

  test('the partition tables come last, block 0 last of all', async () => {
    const { source, target } = await disk();
    await captureFfu({ source, target, compress });
    const image = await openFfu(target);
    const order: [number, number][] = [];
    for (let entry = 0; entry < image.map.size; entry += 1)
      order.push([image.map.payloadBlock(entry), image.map.diskBlock(entry)]);
    order.sort(([a], [b]) => a - b);
    expect(order.slice(-2).map(([, place]) => place)).toEqual([16 * 8 - 1, 0]);
    await image.close();
  });

  test('is cancelled, keeps what it has, and continues to the same file', async () => {
    const { folder, source, target } = await disk();
    const options: CaptureFfuOptions = {
      source,
      target,
      compress,
      blockBytes: 16 * kib,
      checkpointBytes: 64 * kib,
    };
    await captureFfu({ ...options, target: join(folder, 'undisturbed.ffu'), createdAt: epoch });
    await writeFile(target, 'older');
    const controller = new AbortController();
    const cancelled = captureFfu({
      ...options,
      createdAt: epoch,
      signal: controller.signal,
      onProgress: ({ step, doneBytes }) => {
        if (step === 'write' && doneBytes > 2 * mib) controller.abort();
      },
    });
    await expect(cancelled).rejects.toThrow('abort');
    expect(await readFile(target, 'utf8')).toBe('older');
    const [partial = ''] = captureWorkFiles(target);
    // What is there is no FFU.
    await expect(openFfu(partial)).rejects.toThrow(FfuFormatError);
    // The date of the first attempt counts.
    const report = await captureFfu({ ...options, createdAt: new Date(0) });
    expect(report.resumedBlocks).toBeGreaterThan(64);
    expect((await readFile(target)).equals(await readFile(join(folder, 'undisturbed.ffu')))).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['disk.ffu', 'disk.raw', 'undisturbed.ffu']);
  });

  test('SIGKILL at random moments, then a run that completes: the same file', async () => {
    const { folder, source, target } = await disk();
    const options = {
      source,
      target,
      compress,
      blockBytes: 16 * kib,
      checkpointBytes: 48 * kib,
      createdAt: epoch,
      workers: 1,
    };
    const undisturbed = join(folder, 'undisturbed.ffu');
    await captureFfu({ ...options, target: undisturbed });
    const expected = await readFile(undisturbed);
    const random = seededRandom(compress ? 21 : 20);
    let killed = 0;
    let resumed = 0;
    for (let round = 0; round < 40 && (killed < 4 || resumed === 0); round += 1) {
      await rm(target, { force: true });
      for (;;) {
        const end = await captureAndKill(options, 1 + random(compress ? 150 : 12));
        if (end === 'killed') {
          killed += 1;
          expect(await readdir(folder)).not.toContain('disk.ffu');
          continue;
        }
        resumed += end.resumedBlocks;
        break;
      }
      expect((await readFile(target)).equals(expected)).toBe(true);
      expect((await readdir(folder)).sort()).toEqual(['disk.ffu', 'disk.raw', 'undisturbed.ffu']);
    }
    expect(killed).toBeGreaterThan(3);
    expect(resumed).toBeGreaterThan(0);
  });
});

interface ChildReport {
  readonly resumedBlocks: number;
  /** The most that the whole process had in memory. */
  readonly peakKib: number;
}

/** Runs a capture in a process that is killed when it has said `lines` lines, if it is not done then. */
async function captureAndKill(
  options: CaptureFfuOptions,
  lines: number,
  program: readonly string[] = ['--conditions=@osforge/source', child],
): Promise<'killed' | ChildReport> {
  const running = spawn(process.execPath, [...program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  running.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  let seen = 0;
  let report: ChildReport | undefined;
  createInterface(running.stdout).on('line', (line) => {
    seen += 1;
    // What the child writes, see there.
    if (line.startsWith('done ')) report = JSON.parse(line.slice(5)) as ChildReport;
    else if (seen === lines) running.kill('SIGKILL');
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    running.once('close', (...end) => {
      resolve(end);
    });
  });
  if (report !== undefined) return report;
  if (signal === 'SIGKILL') return 'killed';
  throw new Error(`the capture ended with ${String(code)}: ${stderr}`);
}

test('a torn journal line, a changed option, a changed source, a lost file: it begins anew', async () => {
  const { folder, source, target } = await disk();
  const options: CaptureFfuOptions = {
    source,
    target,
    createdAt: epoch,
    blockBytes: 16 * kib,
    checkpointBytes: 64 * kib,
  };
  const [partial = '', journal = '', list = ''] = captureWorkFiles(target);
  const breakOff = async (): Promise<void> => {
    const controller = new AbortController();
    await captureFfu({
      ...options,
      signal: controller.signal,
      onProgress: ({ step, doneBytes }) => {
        if (step === 'write' && doneBytes > 2 * mib) controller.abort();
      },
    }).catch(() => undefined);
  };
  const undisturbed = join(folder, 'undisturbed.ffu');
  await captureFfu({ ...options, target: undisturbed });
  const expected = await readFile(undisturbed);

  // A torn last line: the line before it counts.
  await breakOff();
  const text = await readFile(journal, 'utf8');
  await writeFile(journal, text.slice(0, -20));
  expect((await captureFfu(options)).resumedBlocks).toBeGreaterThan(0);
  expect((await readFile(target)).equals(expected)).toBe(true);

  const lost: [string, () => Promise<unknown>][] = [
    ['journal', () => writeFile(journal, 'nonsense')],
    ['payload', () => rm(partial)],
    ['list', () => rm(list)],
    [
      'half the payload',
      async () => {
        const file = await open(partial, 'r+');
        await file.truncate(mib);
        await file.close();
      },
    ],
    ['source', () => utimes(source, new Date(), new Date())],
  ];
  for (const [name, lose] of lost) {
    await breakOff();
    await lose();
    expect([name, (await captureFfu(options)).resumedBlocks]).toEqual([name, 0]);
    expect((await readFile(target)).equals(expected)).toBe(true);
  }
  await breakOff();
  expect((await captureFfu({ ...options, description: 'another' })).resumedBlocks).toBe(0);
  await breakOff();
  expect((await captureFfu({ ...options, resume: false })).resumedBlocks).toBe(0);
  expect((await readFile(target)).equals(expected)).toBe(true);
});

test('without resume nothing is left behind', async () => {
  const { folder, source, target } = await disk();
  const controller = new AbortController();
  await expect(
    captureFfu({
      source,
      target,
      resume: false,
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    }),
  ).rejects.toThrow();
  expect(await readdir(folder)).toEqual(['disk.raw']);
});

test('a capture that is killed again before its first checkpoint after the payload was lost', async () => {
  const { folder, source, target } = await disk();
  const options: CaptureFfuOptions = { source, target, createdAt: epoch, blockBytes: 16 * kib };
  const breakOff = async (checkpointBytes: number, afterBytes: number): Promise<void> => {
    const controller = new AbortController();
    await captureFfu({
      ...options,
      checkpointBytes,
      signal: controller.signal,
      onProgress: ({ step, doneBytes }) => {
        if (step === 'write' && doneBytes > afterBytes) controller.abort();
      },
    }).catch(() => undefined);
  };
  await breakOff(64 * kib, 3 * mib);
  await rm(captureWorkFiles(target)[0] ?? '');
  await breakOff(1024 * mib, mib);
  // The old journal would say that 3 MiB are there.
  const file = await open(captureWorkFiles(target)[0] ?? '', 'r+');
  await file.truncate(16 * mib);
  await file.close();
  expect((await captureFfu(options)).resumedBlocks).toBe(0);
  const undisturbed = join(folder, 'undisturbed.ffu');
  await captureFfu({ ...options, target: undisturbed });
  expect((await readFile(target)).equals(await readFile(undisturbed))).toBe(true);
});

test('a source that changes meanwhile is not captured', async () => {
  const { folder, source, target } = await disk();
  await expect(
    captureFfu({
      source,
      target,
      onProgress: ({ step }) => {
        if (step === 'scan') void utimes(source, new Date(), new Date());
      },
    }),
  ).rejects.toThrow(FfuSourceError);
  expect(await readdir(folder)).toEqual(['disk.raw']);
});

test('one target, one capture: in one process and in two', async () => {
  const { source, target } = await disk({ data: [{ at: 2 * mib, bytes: sampleBytes(8 * mib, 'noise', 1) }] });
  const first = captureFfu({ source, target });
  await expect(captureFfu({ source, target })).rejects.toThrow(FfuBusyError);
  await first;

  const other = spawn(
    process.execPath,
    [
      '--conditions=@osforge/source',
      child,
      JSON.stringify({ source, target, blockBytes: 4096, checkpointBytes: 4096 }),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => other.once('close', resolve));
  await new Promise((resolve) => createInterface(other.stdout).once('line', resolve));
  const error: unknown = await captureFfu({ source, target }).catch((reason: unknown) => reason);
  other.kill('SIGKILL');
  await ended;
  expect(error).toBeInstanceOf(FfuBusyError);
  expect(error).toMatchObject({ pid: other.pid });
  expect(isTransientDiskImageError(error)).toBe(true);
  // The dead process is no obstacle.
  await captureFfu({ source, target, blockBytes: 4096, checkpointBytes: 4096 });
  expect(await verifyFfu(target)).toMatchObject({ ok: true });
});

describe('disks and options that are refused before anything is written', () => {
  test.each<[string, Partial<CaptureFfuOptions>, RegExp]>([
    ['a block of 3000', { blockBytes: 3000 }, /power of two/],
    ['a block of 2 MiB', { blockBytes: 2 * mib }, /power of two/],
    ['no platform', { platformIds: [] }, /platformIds/],
    ['a platform with a blank', { platformIds: ['a b'] }, /platformIds/],
    ['too many bytes of platforms', { platformIds: ['a'.repeat(191)] }, /platformIds/],
    ['a platform twice', { platformIds: ['a', 'a'] }, /repeated/],
    ['a version', { osVersion: '11' }, /osVersion/],
    ['a device path', { devicePath: 'a\nb' }, /devicePath/],
    ['a date', { createdAt: new Date('2077-01-01') }, /createdAt/],
  ])('%s', async (_, options, message) => {
    const { folder, source, target } = await disk({ sizeBytes: 2 * mib, data: [] });
    const error: unknown = await captureFfu({ source, target, ...options }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FfuSourceError);
    expect(String(error)).toMatch(message);
    expect(await readdir(folder)).toEqual(['disk.raw']);
  });

  test('a disk that is not whole blocks: the error names a block that fits', async () => {
    const { source, target } = await disk({ sizeBytes: 16 * mib + 8 * kib });
    await expect(captureFfu({ source, target })).rejects.toThrow('pass blockBytes: 8192');
    await captureFfu({ source, target, blockBytes: 8192 });
    expect(await rawContentDigest(target, 'ffu')).toBe(await rawContentDigest(source));
  });

  test('a disk without a GPT', async () => {
    const folder = await tempFolder();
    const source = join(folder, 'disk.raw');
    await createSparseFile(source, 2 * mib);
    await expect(captureFfu({ source, target: join(folder, 'a.ffu') })).rejects.toThrow(GptFormatError);
    expect(await readdir(folder)).toEqual(['disk.raw']);
  });
});

test('as root: a full disk is a DiskFullError, and after there is room it continues', async () => {
  const { folder, source } = await disk({ data: [{ at: 2 * mib, bytes: sampleBytes(8 * mib, 'noise', 1) }] });
  const small = join(folder, 'small');
  await tool('mkdir', small);
  await tool('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small);
  try {
    const options = { source, target: join(small, 'disk.ffu'), checkpointBytes: mib };
    await expect(captureFfu(options)).rejects.toThrow(DiskFullError);
    await expect(captureFfu({ ...options, resume: false })).rejects.toThrow(DiskFullError);
    expect(await readdir(small)).toEqual([]);
    await expect(captureFfu(options)).rejects.toThrow(DiskFullError);
    await tool('mount', '-o', 'remount,size=32m', small);
    expect((await captureFfu(options)).resumedBlocks).toBeGreaterThan(0);
    expect(await rawContentDigest(options.target, 'ffu')).toBe(await rawContentDigest(source));
  } finally {
    await tool('umount', small);
  }
});

test('a capture of 4 TiB takes less than 128 MiB, all of the process, with the threads of this machine', async () => {
  const program = [await builtChild(await tempFolder(), child, 'pack-worker')];
  const bytes = sampleBytes(48 * mib, 'mixed', 3);
  const { source, target } = await disk({
    sizeBytes: 4 * mib * mib,
    // 240 MiB in five places, and a block each in 40.
    data: [
      ...Array.from({ length: 5 }, (_, index) => ({ at: (2 + index * 150 * 1024) * mib, bytes })),
      ...Array.from({ length: 40 }, (_, index) => ({
        at: (index + 1) * 100 * 1024 * mib,
        bytes: sampleBytes(block, 'noise', index),
      })),
    ],
  });
  for (const compress of [false, true]) {
    const end = await captureAndKill({ source, target, compress }, Infinity, program);
    if (end === 'killed') throw new Error('nothing was to kill it');
    expect(end.resumedBlocks).toBe(0);
    // Node alone has 70.
    expect(end.peakKib / 1024).toBeGreaterThan(64);
    expect(end.peakKib / 1024).toBeLessThan(128);
    const image = await openFfu(target);
    expect(image.sizeBytes).toBe(4 * mib * mib);
    const at = 4000 * 1024 * mib;
    expect(Buffer.from(await image.read(at, block)).equals(sampleBytes(block, 'noise', 39))).toBe(true);
    await image.close();
  }
});

describe('extraction', () => {
  test('a damaged file is refused before anything is written, unless asked otherwise', async () => {
    const { folder, source, target } = await disk();
    await captureFfu({ source, target });
    const bytes = await readFile(target);
    const at = bytes.length - 20 * block + 17;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(target, bytes);
    const back = join(folder, 'back.raw');
    await writeFile(back, 'older');
    const error: unknown = await extractFfu({ source: target, target: back }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FfuDigestError);
    expect(error).toMatchObject({ offsetBytes: at - 17 });
    expect(await readFile(back, 'utf8')).toBe('older');
    expect((await readdir(folder)).sort()).toEqual(['back.raw', 'disk.ffu', 'disk.raw']);
    await extractFfu({ source: target, target: back, verify: false });
    const [was, is] = [await openRaw(source), await openRaw(back)];
    expect(is.sizeBytes).toBe(was.sizeBytes);
    await Promise.all([was.close(), is.close()]);
  });

  test('cancelling leaves nothing', async () => {
    const { folder, source, target } = await disk();
    await captureFfu({ source, target });
    const controller = new AbortController();
    await expect(
      extractFfu({
        source: target,
        target: join(folder, 'back.raw'),
        signal: controller.signal,
        onProgress: () => {
          controller.abort();
        },
      }),
    ).rejects.toThrow();
    expect((await readdir(folder)).sort()).toEqual(['disk.ffu', 'disk.raw']);
  });
});

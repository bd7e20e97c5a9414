import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  createRegistry,
  MetricsCancelledError,
  MetricsFileError,
  MetricsTimeoutError,
  writeMetricsFile,
  type Registry,
} from '@osforge/perf';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metrics-file-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function counting(value: number): Registry {
  const registry = createRegistry();
  registry.counter({ name: 'osforge_events_total', help: 'Events.' }).inc(value);
  return registry;
}

test('writes what promtool accepts, for everybody to read, and leaves nothing else', async () => {
  const path = join(folder, 'one', 'osforge.prom');
  await mkdir(join(folder, 'one'));
  const umask = process.umask(0o077);
  try {
    await writeMetricsFile(counting(1), path);
  } finally {
    process.umask(umask);
  }
  execFileSync('promtool', ['check', 'metrics'], { input: await readFile(path), stdio: 'pipe' });
  expect((await stat(path)).mode & 0o777).toBe(0o644);
  expect(await readdir(join(folder, 'one'))).toEqual(['osforge.prom']);
});

test('a reader sees the whole of one content at any time', async () => {
  const path = join(folder, 'osforge.prom');
  const registry = createRegistry();
  const gauge = registry.gauge({ name: 'osforge_queue', help: 'Queue.', labels: ['id'] });
  await writeMetricsFile(registry, path);
  const write = async (): Promise<void> => {
    for (let n = 0; n < 20; n += 1) {
      for (let id = 0; id < 200; id += 1) gauge.labels({ id: String(id) }).set(n);
      await writeMetricsFile(registry, path);
    }
  };
  const state = { writing: true };
  const written = write().finally(() => (state.writing = false));
  let reads = 0;
  while (state.writing) {
    const values = [...(await readFile(path, 'utf8')).matchAll(/^osforge_queue\{.*\} (\d+)$/gm)].map(
      ([, v]) => v,
    );
    expect([0, 200]).toContain(values.length);
    expect(new Set(values).size).toBeLessThanOrEqual(1);
    reads += 1;
  }
  await written;
  expect(reads).toBeGreaterThan(0);
});

test('two writers at once: one content wins whole', async () => {
  const path = join(folder, 'two.prom');
  await Promise.all([1, 2, 3].map((value) => writeMetricsFile(counting(value), path)));
  expect(await readFile(path, 'utf8')).toMatch(/\nosforge_events_total [123]\n$/);
});

test('on failure there is a typed error, the old file is as it was and no other is left', async () => {
  const inner = join(folder, 'failures');
  await mkdir(join(inner, 'folder.prom'), { recursive: true });
  const path = join(inner, 'old.prom');
  await writeFile(path, 'old');
  await expect(writeMetricsFile(counting(1), join(inner, 'missing', 'a.prom'))).rejects.toMatchObject({
    code: 'PERF_METRICS_FILE',
    errno: 'ENOENT',
  });
  await expect(writeMetricsFile(counting(1), join(inner, 'folder.prom'))).rejects.toMatchObject({
    errno: 'EISDIR',
  });
  await expect(writeMetricsFile(counting(1), join(inner, 'a.txt'))).rejects.toThrow(MetricsFileError);
  await expect(writeMetricsFile(counting(1), '/proc/a.prom')).rejects.toMatchObject({ replaced: false });
  const signal = AbortSignal.abort();
  await expect(writeMetricsFile(counting(1), path, { signal })).rejects.toThrow(MetricsCancelledError);
  const stuck = createRegistry({ collectorTimeoutMs: 500 });
  stuck.collector('stuck', () => new Promise<void>(() => {}));
  await expect(writeMetricsFile(stuck, path, { timeoutMs: 5 })).rejects.toThrow(MetricsTimeoutError);
  // The scrape goes on until its collector's own time is over.
  await stuck.collect();
  expect(await readFile(path, 'utf8')).toBe('old');
  expect((await readdir(inner)).sort()).toEqual(['folder.prom', 'old.prom']);
});

test('a full disk leaves the old file as it was, and nothing else (root)', async () => {
  const disk = join(folder, 'disk');
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk]);
  try {
    const path = join(disk, 'osforge.prom');
    await writeMetricsFile(counting(1), path);
    const old = await readFile(path, 'utf8');
    const large = createRegistry();
    large.gauge({ name: 'osforge_large', help: 'x'.repeat(100_000) });
    await expect(writeMetricsFile(large, path)).rejects.toMatchObject({ errno: 'ENOSPC', replaced: false });
    expect(await readFile(path, 'utf8')).toBe(old);
    expect(await readdir(disk)).toEqual(['osforge.prom']);
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('a folder that may be written but not read: the file is there, and the error says so (root)', async () => {
  const place = join(folder, 'drop-box');
  await mkdir(place);
  await chmod(folder, 0o755);
  await chmod(place, 0o333);
  const script = `
    import { createRegistry, writeMetricsFile } from '@osforge/perf';
    process.setgid(65534);
    process.setuid(65534);
    await writeMetricsFile(createRegistry(), ${JSON.stringify(join(place, 'osforge.prom'))}).catch((error) => {
      console.log(error.code, error.errno, error.replaced);
    });
  `;
  const output = execFileSync(
    process.execPath,
    ['--conditions=@osforge/source', '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' },
  );
  expect(output).toBe('PERF_METRICS_FILE EACCES true\n');
  expect(await readdir(place)).toEqual(['osforge.prom']);
});

test('a symbolic link is replaced, and not what it leads to', async () => {
  const target = join(folder, 'target');
  await writeFile(target, 'old');
  const link = join(folder, 'link.prom');
  await symlink(target, link);
  await writeMetricsFile(counting(1), link);
  expect(await readFile(target, 'utf8')).toBe('old');
  expect(await readFile(link, 'utf8')).toContain('osforge_events_total 1\n');
});

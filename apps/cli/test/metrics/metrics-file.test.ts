import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { createRegistry } from '@osforge/perf';
import { expect } from 'vitest';
import { openMetricsFile } from '../../src/metrics/metrics-file.ts';
import { test } from '../support/temporary.ts';

const definition = { name: 'osforge_test_total', help: 'For the test.' };

test('it is written at once, anew on demand, and says the last at the end', async ({ folder }) => {
  const registry = createRegistry();
  const counter = registry.counter(definition);
  const place = path.join(folder, 'build.prom');
  const notes: string[] = [];
  const file = await openMetricsFile(registry, place, (note) => notes.push(note));
  expect(await readFile(place, 'utf8')).toContain('osforge_test_total 0\n');
  for (let n = 0; n < 50; n += 1) {
    counter.inc();
    file.update();
  }
  await file.close();
  expect(await readFile(place, 'utf8')).toContain('osforge_test_total 50\n');
  expect(notes).toEqual([]);
});

test('a place that cannot be written any more is told once, and written again when it can', async ({
  folder,
}) => {
  const registry = createRegistry();
  const place = path.join(folder, 'metrics', 'build.prom');
  await mkdir(path.dirname(place));
  const notes: string[] = [];
  const file = await openMetricsFile(registry, place, (note) => notes.push(note));
  await rename(path.dirname(place), path.join(folder, 'moved'));
  file.update();
  await file.close();
  await file.close();
  expect(notes).toEqual([
    `--metrics-file: ${place} was not written: its folder does not exist. Make it first. The old file is as it was. The build goes on.`,
  ]);
  await mkdir(path.dirname(place));
  registry.counter(definition).inc();
  await file.close();
  expect(await readFile(place, 'utf8')).toContain('osforge_test_total 1\n');
  await rm(path.join(folder, 'moved'), { recursive: true });
});

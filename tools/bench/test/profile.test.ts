import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { drawProfiles } from '../profile/draw-profiles.mjs';
import { flameGraph } from '../profile/flame-graph.mjs';
import { framesOfCpu } from '../profile/frames.mjs';
import { profiled } from '../profile/profiled.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'osforge-profile-'));
  process.env['OSFORGE_BENCH_PROFILE_FOLDER'] = folder;
});
afterEach(() => {
  delete process.env['OSFORGE_BENCH_PROFILE_FOLDER'];
  rmSync(folder, { recursive: true });
});

function busyWithNumbers(): number {
  let sum = 0;
  for (let number = 0; number < 30_000_000; number += 1) sum += Math.sqrt(number);
  return sum;
}

function fillsMemory(): number {
  let length = 0;
  for (let round = 0; round < 50; round += 1)
    length += Array.from({ length: 20_000 }, (_, n) => ({ n })).length;
  return length;
}

test.each([
  ['cpu', busyWithNumbers, ' ms'],
  ['heap', fillsMemory, ' KiB'],
] as const)('a real %s profile becomes a flame graph that names the function', async (kind, work, unit) => {
  await profiled(kind, 'a bench: of <something>', () => {
    work();
    return Promise.resolve();
  });
  const [file] = drawProfiles(folder);
  expect(path.basename(file ?? '')).toBe(`a-bench-of-something.${kind}profile.svg`);
  const svg = readFileSync(file ?? '', 'utf8');
  expect(svg).toMatch(
    new RegExp(`<title>${work.name} [^<]*profile\\.test\\.ts:\\d+\\n[\\d.]+ %, \\d[\\d.]*${unit}`),
  );
});

const call = (functionName: string, url = ''): { functionName: string; url: string; lineNumber: number } => ({
  functionName,
  url,
  lineNumber: 4,
});

test('time is summed, waiting is left out and calls of one function are one frame', () => {
  const frames = framesOfCpu({
    nodes: [
      { id: 1, callFrame: call('(root)'), children: [2, 3, 4] },
      { id: 2, callFrame: call('work', 'file:///x/packages/flush/dist/index.js') },
      { id: 3, callFrame: call('(idle)') },
      { id: 4, callFrame: call('work', 'file:///x/packages/flush/dist/index.js'), children: [5] },
      { id: 5, callFrame: call('', 'file:///x/node_modules/rxjs/dist/a.js') },
    ],
    samples: [2, 3, 4, 5, 5],
    timeDeltas: [100, 1000, 50, 20, 30],
  });
  expect(frames).toMatchObject({ name: '(root)', total: 200, children: [{ total: 200 }] });
  expect(frames.children[0]).toEqual({
    name: 'work',
    place: 'flush/dist/index.js:5',
    total: 200,
    children: [{ name: '(anonymous)', place: 'node_modules/rxjs/dist/a.js:5', total: 50, children: [] }],
  });
});

test('names cannot break the picture', () => {
  const svg = flameGraph(
    { name: '<img src=x>"&', place: '', total: 10, children: [] },
    { title: '<script>', unit: 'us' },
  );
  expect(svg).not.toContain('<img');
  expect(svg.match(/<script>/g)).toHaveLength(1);
});

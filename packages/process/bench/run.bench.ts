import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { execa } from 'execa';
import { test } from 'vitest';

import { maskSecrets, run } from '@osforge/process';

const execFileAsync = promisify(execFile);

test('start a program and wait for its end', async ({ bench }) => {
  await bench.compare(
    bench('floor: node execFile (not contained)', async () => {
      await execFileAsync('/bin/true', []);
    }),
    bench('peer: execa (not contained)', async () => {
      await execa('/bin/true', []);
    }),
    bench('run, child', async () => {
      await run('/bin/true', []);
    }),
    bench('run, tree, process namespace', async () => {
      await run('/bin/true', [], { lifetime: 'tree', mechanism: 'pid-namespace' });
    }),
    bench('run, tree, reaper', async () => {
      await run('/bin/true', [], { lifetime: 'tree', mechanism: 'reaper' });
    }),
  );
});

test('read 200 000 lines (10 MB)', async ({ bench }) => {
  const script = 'yes "a line of output of a tool, fifty bytes long, so." | head -n 200000';
  const limit = 64 * 1024 * 1024;
  await bench.compare(
    bench('peer: execa, lines', async () => {
      let lines = 0;
      for await (const line of execa('sh', ['-c', script], { buffer: false })) lines += line === '' ? 0 : 1;
      if (lines !== 200_000) throw new Error('lines are missing');
    }),
    bench('run, onLine', async () => {
      await run('sh', ['-c', script], { onLine: () => undefined, maxOutputBytes: limit });
    }),
    bench('run, onLine, one secret', async () => {
      await run('sh', ['-c', script], {
        onLine: () => undefined,
        secrets: ['correct horse battery'],
        maxOutputBytes: limit,
      });
    }),
  );
});

test('mask 1 MiB', async ({ bench }) => {
  const text = 'a line of output of a tool, fifty bytes long, so.\n'.repeat(20_972);
  await bench.compare(
    bench('floor: replaceAll', () => {
      text.replaceAll('correct horse battery', '[secret]');
    }),
    bench('maskSecrets in 64 KiB pieces', () => {
      const mask = maskSecrets(['correct horse battery']);
      for (let at = 0; at < text.length; at += 65_536) mask.push(text.slice(at, at + 65_536));
      mask.end();
    }),
  );
});

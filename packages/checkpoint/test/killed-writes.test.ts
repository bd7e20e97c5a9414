import { readdirSync } from 'node:fs';
import { readCheckpoint, openCheckpoint } from '@osforge/checkpoint';
import { expect, onTestFinished, test } from 'vitest';
import { startChild } from './children/child.ts';
import type { Child } from './children/child.ts';
import { tempDirectory } from './temp-directory.ts';

const KILLS = 50;
const BUILDS = 10;

test(`${KILLS * BUILDS} writes cut by SIGKILL (${BUILDS} at once) leave the old or the new record`, async () => {
  const directory = tempDirectory();
  const durable = new Map<number, number>();
  let cut = 0;
  const start = (): Child => {
    const writer = startChild(
      new URL('./children/writer.ts', import.meta.url),
      directory,
      String(BUILDS),
      '20000',
    );
    onTestFinished(() => writer.kill());
    return writer;
  };
  // The next one starts up while this one writes.
  let next = start();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const writer = next;
    if (kill < KILLS - 1) next = start();
    writer.send('go');
    const note = (line: string): void => {
      const [build = 0, count = 0] = line.split(' ').map(Number);
      durable.set(build, count);
    };
    // At a random moment once all the builds are under way: after so many updates, and a random piece of one.
    const until = BUILDS + Math.floor(Math.random() * 4 * BUILDS);
    for (let line = 0; line < until; line += 1) note(await writer.nextLine());
    const moment = performance.now() + Math.random() * 4;
    while (performance.now() < moment);
    await writer.kill();
    for (const line of await writer.restOfLines()) note(line);

    cut += readdirSync(directory).filter((name) => name.endsWith('.osforge-tmp')).length;
    for (const [build, count] of durable) {
      const record = await readCheckpoint({ directory, buildId: `b${build}` });
      // What was said to be durable is there; at most the one under way has come after it.
      const stored = record?.facts['count'];
      expect([count, count + 1]).toContain(stored);
      expect(record?.facts['text']).toBe(String(Number(stored) % 10).repeat(20000));
      durable.set(build, Number(stored));
    }
  }
  expect(durable.size).toBe(BUILDS);
  // It did hit writes, between the first byte and the rename.
  expect(cut).toBeGreaterThan(KILLS);
  // The next owner clears away what the killed writers left.
  for (let build = 0; build < BUILDS; build += 1) {
    const checkpoint = await openCheckpoint({ directory, buildId: `b${build}` });
    expect(checkpoint.origin).toBe('loaded');
    await checkpoint.close();
  }
  const expected = Array.from({ length: BUILDS }, (_, build) => [
    `checkpoint-b${build}.json`,
    `checkpoint-b${build}.lock`,
  ]);
  expect(readdirSync(directory).sort()).toEqual(expected.flat().sort());
}, 300_000);

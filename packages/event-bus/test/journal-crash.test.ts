import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { expect, test } from 'vitest';

import { openJournal, readJournal } from '@osforge/event-bus';

import { testFolder } from './folder.ts';

const folder = await testFolder();
const rounds = 30;

/** Runs the writer until its nth long write has begun, and kills it there. Returns the last flushed number. */
async function writeAndKill(path: string, seed: number, longWrites: number): Promise<number> {
  const writer = spawn(
    process.execPath,
    ['--conditions=@osforge/source', join(import.meta.dirname, 'fixtures/writer.ts'), path, String(seed)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(writer, 'exit');
  const output = createInterface({ input: writer.stdout });
  let begun = 0;
  let flushed = 0;
  output.on('line', (line) => {
    if (line === 'writing') begun += 1;
    else flushed = Number(line);
    if (begun >= longWrites) writer.kill('SIGKILL');
  });
  await once(output, 'close');
  expect(await ended).toEqual([null, 'SIGKILL']);
  return flushed;
}

test(
  `a writer that is killed ${rounds} times loses nothing that was flushed`,
  { timeout: 240_000 },
  async () => {
    let torn = 0;
    for (let round = 0; round < rounds; round += 1) {
      // Some rounds go on with the same file; not all, because it grows.
      const path = join(folder, `killed-${Math.floor(round / 6)}.ndjson`);
      const flushed = await writeAndKill(path, round + 1, 1 + (round % 2));

      const journal = await openJournal(path);
      if (journal.tornBytes > 0) torn += 1;
      expect(journal.lastSeq).toBeGreaterThanOrEqual(flushed);
      await journal.close();
      let expected = 1;
      for await (const event of readJournal(path, { onTorn: () => expect.unreachable('it was repaired') })) {
        if (event.seq !== expected) expect(event.seq).toBe(expected);
        expected += 1;
      }
      expect(expected - 1).toBe(journal.lastSeq);
    }
    // Else the kills came at harmless moments, and this test showed nothing.
    expect(torn).toBeGreaterThan(0);
  },
);

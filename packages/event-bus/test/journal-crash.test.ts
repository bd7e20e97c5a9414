import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { expect, test } from 'vitest';

import { openJournal, readJournal } from '@osforge/event-bus';

import { testFolder } from './folder.ts';

const folder = await testFolder();
const rounds = 30;

test(
  `a writer that is killed ${rounds} times loses nothing that was flushed`,
  { timeout: 240_000 },
  async () => {
    const path = join(folder, 'killed.ndjson');
    let flushed = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const writer = spawn(
        process.execPath,
        [
          '--conditions=@osforge/source',
          join(import.meta.dirname, 'fixtures/writer.ts'),
          path,
          String(round),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const ended = once(writer, 'exit');
      const output = createInterface({ input: writer.stdout });
      let seen = 0;
      output.on('line', (line) => {
        flushed = Number(line);
        seen += 1;
        // Each round dies at another point of the loop: in the middle of what follows the nth flush.
        if (seen === 1 + (round % 5)) setImmediate(() => writer.kill('SIGKILL'));
      });
      await once(output, 'close');
      expect(await ended).toEqual([null, 'SIGKILL']);

      const journal = await openJournal(path);
      expect(journal.lastSeq).toBeGreaterThanOrEqual(flushed);
      await journal.close();
      let expected = 1;
      for await (const event of readJournal(path, { onTorn: () => expect.unreachable('it was repaired') })) {
        if (event.seq !== expected) expect(event.seq).toBe(expected);
        expected += 1;
      }
      expect(expected - 1).toBe(journal.lastSeq);
    }
  },
);

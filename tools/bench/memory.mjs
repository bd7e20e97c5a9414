/**
 * Whether cycles of something leave memory, handles or listeners behind:
 *
 *   node --expose-gc tools/bench/memory.mjs packages/event-bus/bench/subscribe.memory.ts
 *
 * The file exports `cycle()` and, where wanted, `setup()`, `teardown()`, `cycles` and `listeners()`: see
 * memory/watch-cycles.mjs. Prints the result, and appends it to the file of OSFORGE_BENCH_RAW.
 */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { memoryRow } from './report/rows.mjs';
import { watchCycles } from './memory/watch-cycles.mjs';

const [file] = process.argv.slice(2);
const { gc } = globalThis;
if (file === undefined || gc === undefined) {
  process.stderr.write('usage: node --expose-gc tools/bench/memory.mjs FILE.memory.ts\n');
  process.exitCode = 2;
} else {
  // V8 drops the code of functions that were not called for some collections: some MB at once, at any time.
  setFlagsFromString('--no-flush-bytecode');
  /** @type {Partial<import('./memory/watch-cycles.mjs').Cycles>} */
  const subject = await import(pathToFileURL(path.resolve(file)).href);
  const { cycle } = subject;
  if (typeof cycle !== 'function') throw new Error(`${file} exports no function cycle()`);
  const watched = await watchCycles(
    { ...subject, cycle },
    {
      collect: () => {
        gc({ type: 'major', execution: 'sync' });
      },
      heapBytes: () => process.memoryUsage().heapUsed,
    },
  );
  const name = path.basename(file, '.memory.ts');
  const result = { file: path.relative(process.cwd(), path.resolve(file)), name, ...watched };
  process.stdout.write(`${memoryRow(result).join(' | ')}\n`);
  const rawFile = process.env['OSFORGE_BENCH_RAW'];
  if (rawFile !== undefined) appendFileSync(rawFile, `${JSON.stringify({ kind: 'memory', result })}\n`);
}

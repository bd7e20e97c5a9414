import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { test } from 'vitest';
// Of the source: the splitter is not exported. Node strips the types and changes nothing else.
import { LineSplitter } from '../src/qmp/line-splitter.ts';

const EVENT = JSON.stringify({
  timestamp: { seconds: 1_700_000_000, microseconds: 123_456 },
  event: 'BLOCK_JOB_READY',
  data: { device: 'drive0', len: 4_294_967_296, offset: 4_294_967_296, speed: 0, type: 'mirror' },
});
const CLOSING_BRACE = 0x7d;
/** Of the size of the answer to `query-qmp-schema`. */
const SCHEMA = JSON.stringify({ return: 'x'.repeat(200_000) });

function chunksOf(line: string, lines: number, chunkBytes: number): Buffer[] {
  const bytes = Buffer.from(`${line}\r\n`.repeat(lines));
  return Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
}

/** A string put together from pieces is not in one place before somebody looks into it, as `JSON.parse` would. */
function read(line: string): number {
  return line.charCodeAt(line.length - 1) === CLOSING_BRACE ? line.length : Number.NaN;
}

async function ours(chunks: readonly Buffer[]): Promise<number> {
  const splitter = new LineSplitter(16 * 1024 * 1024);
  let characters = 0;
  const input = Readable.from(chunks);
  input.on('data', (chunk: Buffer) => {
    for (const line of splitter.push(chunk)) characters += read(line);
  });
  await once(input, 'end');
  return characters;
}

async function readline(chunks: readonly Buffer[]): Promise<number> {
  let characters = 0;
  const lines = createInterface({ input: Readable.from(chunks), crlfDelay: Infinity });
  lines.on('line', (line) => {
    characters += read(line);
  });
  await once(lines, 'close');
  return characters;
}

for (const [name, line, lines, chunkBytes] of [
  ['20 000 events, 64 KiB a chunk', EVENT, 20_000, 65_536],
  ['2000 events, each a chunk of its own', EVENT, 2000, EVENT.length + 2],
  ['20 lines of 200 kB, 4 KiB a chunk', SCHEMA, 20, 4096],
] as const) {
  test(name, { timeout: 600_000 }, async ({ bench }) => {
    const chunks = chunksOf(line, lines, chunkBytes);
    const check = (characters: number): void => {
      if (characters !== line.length * lines) throw new Error('Lines are missing.');
    };
    await bench.compare(
      bench('line splitter (bounded)', async () => {
        check(await ours(chunks));
      }),
      bench('peer: node:readline (not bounded)', async () => {
        check(await readline(chunks));
      }),
    );
  });
}

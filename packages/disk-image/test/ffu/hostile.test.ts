import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tempFolder } from '../temp.ts';
import { builtChild } from './built-child.ts';
import { buildFfu, type HandMadeFile, manifestOf } from './build-ffu.ts';
import { kib, mib } from './disk.ts';

let child = '';
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'osforge-hostile-'));
  child = await builtChild(
    folder,
    fileURLToPath(new URL('hostile-child.ts', import.meta.url)),
    'check-worker',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const chunk = 4 * kib;
/** What two threads take of any file: an engine and buffers each. */
const threadsMib = 48;

interface Hostile {
  readonly name: string;
  readonly file: HandMadeFile;
  /** Changes the sound file; `store` is where the store header lies. */
  readonly harm: (bytes: Buffer, store: number) => void;
  /** The file is made so long, sparse: it costs its maker nothing. */
  readonly lengthBytes: number;
  /** So many places, each apart from the next, are written behind the first one. */
  readonly places?: number;
}

const manifest = manifestOf([{ sectorSize: 512, sectors: 2 ** 34 }]);
const sound = (
  kind: HandMadeFile['kind'],
  store: Partial<HandMadeFile['stores'][number]> = {},
): HandMadeFile => ({
  kind,
  chunkBytes: chunk,
  manifest,
  stores: [{ blockBytes: chunk, entries: [{ locations: [[0, 0]], data: Buffer.alloc(chunk) }], ...store }],
});

/** A block at many places: `locations` of them are announced, and lie in a hole of the file. */
const scattered = (locations: number, blockBytes = chunk): Hostile => ({
  name: `a block of ${blockBytes} bytes at ${locations} places`,
  file: sound('v1', { blockBytes }),
  harm(bytes, store) {
    bytes.writeUInt32LE(8 + 8 * locations, store + 212);
    bytes.writeUInt32LE(locations, store + 248);
  },
  lengthBytes: 8 * locations + 32 * mib,
});

/** Compressed blocks of a size, with so much data each, the first at `locations` places. */
const compressed = (compressionId: number, blockBytes: number, dataBytes: number, locations = 1): Hostile => {
  const count = 12;
  return {
    name: `compressed by ${compressionId}, ${blockBytes} bytes from ${dataBytes} each, ${locations} places`,
    file: sound('v1-compressed', {
      blockBytes,
      compressionId,
      entries: Array.from({ length: count }, (_, block) => ({
        locations: [[0, block]],
        data: Buffer.alloc(0),
      })),
    }),
    harm(bytes, store) {
      // The first descriptors, and behind them one that reaches over the hole.
      for (let entry = 0; entry < count; entry += 1)
        bytes.writeUInt32LE(dataBytes, store + 252 + 20 * entry + 8);
      bytes.writeUInt32LE(20 * (count - 1) + 12 + 8 * locations, store + 212);
      bytes.writeUInt32LE(locations, store + 252 + 20 * (count - 1));
    },
    lengthBytes: 8 * locations + (count + 1) * dataBytes + mib,
  };
};

/** As many places as the default limit of the block map allows. */
const most = (32 * mib) / 8;
const cases: readonly Hostile[] = [
  scattered(most),
  scattered(most + 1),
  scattered(2 ** 29 - 2),
  scattered(100_000, 16 * mib),
  {
    name: 'places all over the disk, from its end to its beginning',
    file: sound('v1'),
    harm(bytes, store) {
      scattered(most).harm(bytes, store);
    },
    lengthBytes: 8 * most + 32 * mib,
    places: most,
  },
  {
    name: 'four thousand million descriptors',
    file: sound('v1'),
    harm(bytes, store) {
      bytes.writeUInt32LE(0xffff_ffff, store + 208);
      bytes.writeUInt32LE(0xffff_ffff, store + 212);
    },
    lengthBytes: 2 ** 36,
  },
  {
    name: 'a hash table and a catalog of 4 GiB each',
    file: sound('v1'),
    harm(bytes) {
      bytes.writeUInt32LE(0xffff_ffff, 24);
      bytes.writeUInt32LE(0xffff_ffe0, 28);
    },
    lengthBytes: 2 ** 34,
  },
  compressed(3, 16 * mib, 32 * mib),
  // The largest that are expanded at all, beside the largest map.
  ...[2, 3, 4].map((compressionId) => compressed(compressionId, mib, 2 * mib, most - 100)),
];

describe('no header makes the reader take more than 64 MiB', () => {
  test.each(cases)('$name', async ({ file, harm, lengthBytes, places = 0 }) => {
    const path = join(await tempFolder(), 'hostile.ffu');
    const bytes = buildFfu(file);
    const store = bytes.indexOf('test') - 12;
    harm(bytes, store);
    const target = await open(path, 'w');
    await target.write(bytes);
    const apart = new Uint32Array(2 * places).map((_, index) => (index % 2 === 0 ? 0 : 2 * places - index));
    await target.write(new Uint8Array(apart.buffer), 0, apart.byteLength, store + 256);
    await target.truncate(lengthBytes);
    await target.close();
    // A sound file first: what the code itself takes must not count.
    const warmUp = join(await tempFolder(), 'sound.ffu');
    const small = await open(warmUp, 'w');
    await small.write(buildFfu(sound('v1')));
    await small.close();
    for (const work of ['verify', 'verify-alone', 'read']) {
      const { stdout } = await promisify(execFile)(process.execPath, [child, work, warmUp, path]);
      const [, line = ''] = stdout.split('\n');
      // What the child writes, see there.
      const report = JSON.parse(line) as { outcome: string; grownKib: number };
      expect(report.outcome).not.toBe('verified: true');
      expect(report.grownKib / 1024, line).toBeLessThan(work === 'verify' ? 64 + threadsMib : 64);
    }
  });
});

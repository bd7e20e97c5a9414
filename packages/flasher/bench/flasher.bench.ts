import { execFileSync, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flashImage, startFlash } from '@osforge/flasher';
import { afterAll, beforeAll, test } from 'vitest';
import { canLimit, makeLoops, type Loops } from './limited-loops.ts';

const mebibyte = 1024 * 1024;
const imageBytes = 384 * mebibyte;
/** As large as a small system's disk: the start of a process is no part of what is compared. */
const sparseBytes = 1536 * mebibyte;
const stickBytesPerSecond = 25 * mebibyte;
const options = { iterations: 1, warmupIterations: 1, time: 0, warmupTime: 0 };
const folder = mkdtempSync(join(tmpdir(), 'flasher-bench-'));
const full = join(folder, 'full.raw');
const sparse = join(folder, 'sparse.raw');
let loops: Loops;

beforeAll(() => {
  const bytes = randomFillSync(Buffer.alloc(8 * mebibyte));
  for (const [path, sizeBytes, stride] of [
    [full, imageBytes, 8],
    [sparse, sparseBytes, 24],
  ] as const) {
    const file = openSync(path, 'w');
    truncateSync(path, sizeBytes);
    for (let at = 0; at < sizeBytes; at += stride * mebibyte) writeSync(file, bytes, 0, bytes.length, at);
    closeSync(file);
  }
  loops = makeLoops(8, imageBytes);
});

afterAll(() => {
  loops.remove();
  rmSync(folder, { recursive: true });
});

function limitAll(bytesPerSecond: number): void {
  for (const device of loops.devices) loops.limit(device, bytesPerSecond);
}

async function flash(image: string, count: number, verify: boolean, digestWhole = true): Promise<void> {
  const targets = (await loops.identities()).slice(0, count);
  const source = { path: image };
  const results = await flashImage({ source, targets, verify, digestWhole, discard: false });
  for (const result of results) if (!result.ok) throw result.error;
}

async function dd(image: string, device: string): Promise<void> {
  const args = [`if=${image}`, `of=${device}`, 'bs=1M', 'oflag=direct', 'conv=fsync,notrunc', 'status=none'];
  const [code] = (await once(spawn('dd', args), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`dd ended with ${String(code)}`);
}

/** Seven targets, and one more that need not end. */
async function sevenOfEight(): Promise<void> {
  const [slow, ...others] = await loops.identities();
  if (slow === undefined) throw new Error('there are eight');
  const flashing = await startFlash({ source: { path: full }, verify: false, discard: false });
  void flashing.add(slow);
  const results = await Promise.all(others.map((target) => flashing.add(target)));
  for (const result of results) if (!result.ok) throw result.error;
  await flashing.close();
}

if (canLimit) {
  test('384 MiB to 8 devices of 25 MiB/s each', { timeout: 600_000 }, async ({ bench }) => {
    limitAll(stickBytesPerSecond);
    await bench.compare(
      bench('flasher, without verification', () => flash(full, 8, false)),
      bench('peer: one dd each, in parallel', async () => {
        await Promise.all(loops.devices.map((device) => dd(full, device)));
      }),
      options,
    );
    limitAll(0);
  });

  test(
    'seven of eight devices of 25 MiB/s, one of them at a tenth',
    { timeout: 600_000 },
    async ({ bench }) => {
      await bench.compare(
        bench('flasher, the eighth at 2.5 MiB/s', async () => {
          limitAll(stickBytesPerSecond);
          loops.limit(loops.devices[0] ?? '', stickBytesPerSecond / 10);
          await sevenOfEight();
        }),
        bench('floor: flasher, all eight at 25 MiB/s', async () => {
          limitAll(stickBytesPerSecond);
          await sevenOfEight();
        }),
        options,
      );
      limitAll(0);
    },
  );
}

test('384 MiB to 8 devices in memory, as fast as they go', { timeout: 600_000 }, async ({ bench }) => {
  limitAll(0);
  await bench.compare(
    bench('flasher, without verification', () => flash(full, 8, false)),
    bench('peer: one dd each, in parallel', async () => {
      await Promise.all(loops.devices.map((device) => dd(full, device)));
    }),
    options,
  );
});

test(
  'a sparse image (a third of 1.5 GiB) to one device in memory',
  { timeout: 600_000 },
  async ({ bench }) => {
    loops.remove();
    loops = makeLoops(1, sparseBytes);
    const bmap = join(folder, 'sparse.bmap');
    const hasPeer = existsSync('/usr/bin/bmaptool');
    if (hasPeer) execFileSync('bmaptool', ['create', '--output', bmap, sparse], { stdio: 'ignore' });
    limitAll(0);
    const [device = ''] = loops.devices;
    await bench.compare(
      // What bmaptool does: it compares each range with its map, and has no digest of the whole.
      bench('flasher, without verification and digest of the whole', () => flash(sparse, 1, false, false)),
      ...(hasPeer
        ? [
            bench('peer: bmaptool copy', () => {
              execFileSync('bmaptool', ['--quiet', 'copy', '--bmap', bmap, sparse, device], {
                stdio: 'ignore',
              });
            }),
          ]
        : []),
      bench('floor: dd', () => dd(sparse, device)),
      options,
    );
  },
);

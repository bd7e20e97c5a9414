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
const sparseBytes = 3072 * mebibyte;
const stickBytesPerSecond = 25 * mebibyte;
const options = { iterations: 1, warmupIterations: 1, time: 0, warmupTime: 0 };
const folder = mkdtempSync(join(tmpdir(), 'flasher-bench-'));
const full = join(folder, 'full.raw');
const sparse = join(folder, 'sparse.raw');
const sparseMap = join(folder, 'sparse.bmap');
const hasBmaptool = existsSync('/usr/bin/bmaptool');
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
  if (hasBmaptool) execFileSync('bmaptool', ['create', '--output', sparseMap, sparse], { stdio: 'ignore' });
  loops = makeLoops(8, imageBytes);
});

afterAll(() => {
  loops.remove();
  rmSync(folder, { recursive: true });
});

function limitAll(bytesPerSecond: number): void {
  for (const device of loops.devices) loops.limit(device, bytesPerSecond);
}

interface Work {
  readonly image: string;
  readonly devices: number;
  readonly digestWhole?: boolean;
  readonly bmapPath?: string | undefined;
}

async function flash({ image, devices, digestWhole, bmapPath }: Work): Promise<void> {
  const targets = (await loops.identities()).slice(0, devices);
  const source = { path: image, bmapPath };
  const results = await flashImage({ source, targets, verify: false, digestWhole, discard: false });
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
      bench('flasher, without verification', () => flash({ image: full, devices: 8 })),
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
    bench('flasher, without verification', () => flash({ image: full, devices: 8 })),
    bench('peer: one dd each, in parallel', async () => {
      await Promise.all(loops.devices.map((device) => dd(full, device)));
    }),
    options,
  );
});

// Without the digest of the whole is what bmaptool does: it has one of each range. Receipts have the whole one too.
test.for([
  ['without the digest of the whole', false],
  ['with the digest of the whole', true],
] as const)(
  '1 GiB in a disk of 3 GiB to one device in memory, %s',
  { timeout: 600_000 },
  async ([, digestWhole], { bench }) => {
    loops.remove();
    loops = makeLoops(1, sparseBytes);
    limitAll(0);
    const [device = ''] = loops.devices;
    const bmapPath = hasBmaptool ? sparseMap : undefined;
    await bench.compare(
      bench('flasher, without verification', () =>
        flash({ image: sparse, devices: 1, digestWhole, bmapPath }),
      ),
      ...(hasBmaptool
        ? [
            bench('peer: bmaptool copy', () => {
              execFileSync('bmaptool', ['--quiet', 'copy', '--bmap', sparseMap, sparse, device], {
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

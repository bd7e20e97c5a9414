import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import {
  captureFfu,
  createSparseFile,
  createXpressCompressor,
  decompressXpress,
  partitionTypes,
  planGpt,
  verifyFfu,
  writeGpt,
} from '@osforge/disk-image';
import { afterAll, beforeAll, test } from 'vitest';

const mib = 1024 * 1024;
const block = 128 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'osforge-bench-ffu-'));
const disk = join(folder, 'disk.raw');
const target = join(folder, 'target');
const ffu = join(folder, 'disk.ffu');
const packed = join(folder, 'packed.ffu');
const options = { iterations: 1, warmupIterations: 1, time: 0, warmupTime: 0 };

/** What a disk holds: a quarter noise, the rest programs. */
const programs = readFileSync(process.execPath).subarray(0, 24 * mib);
const blocks = Array.from({ length: 64 }, (_, index) =>
  index % 4 === 0
    ? randomFillSync(Buffer.alloc(block))
    : programs.subarray(index * block, (index + 1) * block),
);

beforeAll(async () => {
  // 1 GiB with 300 MiB of data in 100 places: like a fresh Debian disk.
  await createSparseFile(disk, 1024 * mib);
  await writeGpt(
    disk,
    planGpt({
      sectorSize: 512,
      diskSizeBytes: 1024 * mib,
      diskGuid: '5f0c7d1e-0000-4000-8000-000000000001',
      partitions: [
        {
          name: 'root',
          typeGuid: partitionTypes.linuxRootX64,
          guid: '5f0c7d1e-0000-4000-8000-000000000002',
          sizeBytes: 'rest',
        },
      ],
    }),
  );
  const file = openSync(disk, 'r+');
  for (let index = 0; index < 100; index += 1)
    for (let part = 0; part < 24; part += 1) {
      const data = blocks[(index * 7 + part) % blocks.length] ?? Buffer.alloc(block);
      writeSync(file, data, 0, block, (2 + index * 10) * mib + part * block);
    }
  closeSync(file);
  await captureFfu({ source: disk, target: ffu });
  await captureFfu({ source: disk, target: packed, compress: true });
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('capture of 1 GiB with 300 MiB of data', async ({ bench }) => {
  await bench.compare(
    bench('captureFfu, V1', async () => {
      await captureFfu({ source: disk, target, resume: false });
    }),
    bench('peer: cp --sparse, sync and sha256sum of the data alone', () => {
      execFileSync('cp', ['--sparse=always', '--reflink=never', disk, target]);
      execFileSync('sync', [target]);
      execFileSync('sha256sum', [ffu]);
    }),
    bench('peer: cp --sparse, sync and openssl sha256 of the data alone', () => {
      execFileSync('cp', ['--sparse=always', '--reflink=never', disk, target]);
      execFileSync('sync', [target]);
      execFileSync('openssl', ['dgst', '-sha256', ffu]);
    }),
    options,
  );
}, 600_000);

test('compressed capture of 1 GiB with 300 MiB of data', async ({ bench }) => {
  await bench.compare(
    bench('captureFfu, V1_COMPRESSED', async () => {
      await captureFfu({ source: disk, target, compress: true, resume: false });
    }),
    bench('the same without threads', async () => {
      await captureFfu({ source: disk, target, compress: true, resume: false, workers: 0 });
    }),
    bench('peer: qemu-img convert to qcow2 with zlib', () => {
      execFileSync('qemu-img', ['convert', '-c', '-W', '-O', 'qcow2', disk, target]);
    }),
    options,
  );
}, 600_000);

test('verification of 300 MiB', async ({ bench }) => {
  await bench.compare(
    bench('verifyFfu, V1', async () => {
      await verifyFfu(ffu);
    }),
    bench('peer: sha256sum', () => {
      execFileSync('sha256sum', [ffu]);
    }),
    bench('peer: openssl dgst -sha256', () => {
      execFileSync('openssl', ['dgst', '-sha256', ffu]);
    }),
    options,
  );
}, 600_000);

test('verification of a compressed file of 300 MiB', async ({ bench }) => {
  await bench.compare(
    bench('verifyFfu, V1_COMPRESSED', async () => {
      await verifyFfu(packed);
    }),
    bench('peer: openssl dgst -sha256 of what it expands to', () => {
      execFileSync('openssl', ['dgst', '-sha256', ffu]);
    }),
    options,
  );
}, 600_000);

test('compressing 64 blocks of 128 KiB', async ({ bench }) => {
  const compressor = createXpressCompressor();
  const output = Buffer.alloc(block);
  await bench.compare(
    bench('createXpressCompressor', () => {
      for (const bytes of blocks) compressor.compress(bytes, output);
    }),
    bench('peer: zlib, level 1', () => {
      for (const bytes of blocks) deflateRawSync(bytes, { level: 1 });
    }),
    bench('peer: zstd', () => {
      for (const bytes of blocks) zstdCompressSync(bytes);
    }),
    options,
  );
}, 600_000);

test('expanding 64 blocks of 128 KiB', async ({ bench }) => {
  const compressor = createXpressCompressor();
  const xpress = blocks.flatMap((bytes) => {
    const output = Buffer.alloc(block);
    const length = compressor.compress(bytes, output);
    return length < 0 ? [] : [output.subarray(0, length)];
  });
  const deflated = blocks.map((bytes) => deflateRawSync(bytes, { level: 1 }));
  const zstd = blocks.map((bytes) => zstdCompressSync(bytes));
  const output = Buffer.alloc(block);
  await bench.compare(
    bench('decompressXpress', () => {
      for (const bytes of xpress) decompressXpress(bytes, output);
    }),
    bench('peer: zlib', () => {
      for (const bytes of deflated) inflateRawSync(bytes);
    }),
    bench('peer: zstd', () => {
      for (const bytes of zstd) zstdDecompressSync(bytes);
    }),
    options,
  );
}, 600_000);

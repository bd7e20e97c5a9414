import { execFileSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  captureFfu,
  createSparseFile,
  partitionTypes,
  planGpt,
  rawContentDigest,
  verifyImage,
  writeGpt,
} from '@osforge/disk-image';
import { afterAll, beforeAll, test } from 'vitest';

const mib = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'osforge-bench-verify-'));
const raw = join(folder, 'disk.raw');
const ffu = join(folder, 'disk.ffu');
const options = { iterations: 1, warmupIterations: 1, time: 0, warmupTime: 0 };

beforeAll(async () => {
  // 320 MiB, all of it data, so that the FFU is about as long as the disk.
  await createSparseFile(raw, 320 * mib);
  const file = openSync(raw, 'r+');
  const data = randomFillSync(Buffer.alloc(8 * mib));
  for (let at = 0; at < 320 * mib; at += data.length) writeSync(file, data, 0, data.length, at);
  closeSync(file);
  const diskGuid = '5f0c7d1e-0000-4000-8000-000000000001';
  const guid = '5f0c7d1e-0000-4000-8000-000000000002';
  const partitions = [
    { name: 'root', typeGuid: partitionTypes.linuxRootX64, guid, sizeBytes: 'rest' as const },
  ];
  await writeGpt(raw, planGpt({ sectorSize: 512, diskSizeBytes: 320 * mib, diskGuid, partitions }));
  await captureFfu({ source: raw, target: ffu });
  const artifacts = [raw, ffu].map((path) => ({
    name: path.slice(folder.length + 1),
    sizeBytes: statSync(path).size,
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
  }));
  const rawDisk = { sizeBytes: 320 * mib, sha256: await rawContentDigest(raw) };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ artifacts, rawDisk }));
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('verification of a raw image of 320 MiB against its manifest', async ({ bench }) => {
  await bench.compare(
    bench('verifyImage', async () => {
      await verifyImage(raw);
    }),
    bench('peer: sha256sum', () => {
      execFileSync('sha256sum', [raw]);
    }),
    bench('peer: openssl dgst -sha256', () => {
      execFileSync('openssl', ['dgst', '-sha256', raw]);
    }),
    options,
  );
}, 600_000);

test('verification of an FFU of 320 MiB against its manifest: the file, its chunks, the disk in it', async ({
  bench,
}) => {
  await bench.compare(
    bench('verifyImage', async () => {
      await verifyImage(ffu);
    }),
    bench('peer: openssl dgst -sha256, three times', () => {
      for (let time = 0; time < 3; time += 1) execFileSync('openssl', ['dgst', '-sha256', ffu]);
    }),
    options,
  );
}, 600_000);

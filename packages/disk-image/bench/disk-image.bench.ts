import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  copySparse,
  createSparseFile,
  makeExt4FromTree,
  openExt4,
  openRaw,
  rawContentDigest,
  treeDigest,
} from '@osforge/disk-image';
import { afterAll, beforeAll, test } from 'vitest';

const mib = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'osforge-bench-'));
const sparse = join(folder, 'sparse.raw');
const tree = join(folder, 'tree');
const image = join(folder, 'tree.raw');
const options = { iterations: 1, warmupIterations: 1, time: 0, warmupTime: 0 };

beforeAll(async () => {
  // 2 GiB with 300 MiB of data in 100 places: like a fresh Debian disk.
  await createSparseFile(sparse, 2048 * mib);
  const file = openSync(sparse, 'r+');
  const data = Buffer.alloc(3 * mib);
  for (let index = 0; index < data.length; index += 1) data[index] = (index * 7919) >>> 5;
  for (let index = 0; index < 100; index += 1) writeSync(file, data, 0, data.length, index * 20 * mib);
  closeSync(file);
  for (let index = 0; index < 10_000; index += 1) {
    if (index % 100 === 0) mkdirSync(join(tree, `folder-${index / 100}`), { recursive: true });
    writeFileSync(
      join(tree, `folder-${Math.floor(index / 100)}`, `file-${index}`),
      data.subarray(0, (index * 37) % 40_000),
    );
  }
  await createSparseFile(image, 512 * mib);
  await makeExt4FromTree({
    tree,
    imagePath: image,
    offsetBytes: 0,
    sizeBytes: 512 * mib,
    uuid: '01234567-89ab-4def-8123-456789abcdef',
    label: 'root',
    hashSeed: '11111111-2222-4333-8444-555555555555',
    epochSeconds: 1_700_000_000,
  });
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('digest of a sparse 2 GiB disk with 300 MiB of data', async ({ bench }) => {
  await bench.compare(
    bench('rawContentDigest', async () => {
      await rawContentDigest(sparse);
    }),
    bench('peer: sha256sum', () => {
      execFileSync('sha256sum', [sparse]);
    }),
    options,
  );
}, 600_000);

test('copying that disk into an image', async ({ bench }) => {
  const target = join(folder, 'target.raw');
  const fresh = (): void => {
    writeFileSync(target, '');
    truncateSync(target, 2060 * mib);
  };
  await bench.compare(
    bench('copySparse', async () => {
      fresh();
      await copySparse({ source: sparse, target, targetOffsetBytes: mib });
    }),
    bench('peer: cp --sparse=always', () => {
      execFileSync('cp', ['--sparse=always', '--reflink=never', sparse, target]);
    }),
    bench('peer: dd conv=sparse', () => {
      fresh();
      execFileSync('dd', [
        `if=${sparse}`,
        `of=${target}`,
        'bs=1M',
        'seek=1',
        'conv=sparse,notrunc',
        'status=none',
      ]);
    }),
    options,
  );
}, 600_000);

test('digest of a tree of 10,000 files inside an ext4 image', async ({ bench }) => {
  await bench.compare(
    bench('openExt4 + treeDigest, from the image', async () => {
      const reader = await openRaw(image);
      await treeDigest((await openExt4(reader)).walk());
      await reader.close();
    }),
    bench('peer: tar | sha256sum, from the unpacked tree', () => {
      execFileSync('sh', ['-c', 'tar --sort=name --xattrs -C "$1" -cf - . | sha256sum', 'sh', tree]);
    }),
    options,
  );
}, 600_000);

import { createCipheriv } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  createSparseFile,
  makeEsp,
  makeExt4FromTree,
  partitionTypes,
  planGpt,
  writeGpt,
} from '@osforge/disk-image';

const mebibyte = 1024 ** 2;
export const epochSeconds: number = 1_700_000_000;

/** A disk of 96 MiB like those that builds make: a boot partition, and an ext4 with a file in it. */
export async function makeSmallDisk(folder: string, note = 'hello\n'): Promise<string> {
  const disk = path.join(folder, 'disk.raw');
  const tree = path.join(folder, 'tree');
  await mkdir(tree, { recursive: true });
  await writeFile(path.join(tree, 'note'), note);
  // Noise, always the same: what cannot be compressed.
  const zeros = Buffer.alloc(16);
  const noise = createCipheriv('aes-128-ctr', zeros, zeros).update(Buffer.alloc(3 * mebibyte));
  await writeFile(path.join(tree, 'noise'), noise);
  const layout = planGpt({
    sectorSize: 512,
    diskSizeBytes: 96 * mebibyte,
    diskGuid: '5f0c7d1e-0000-4000-8000-000000000001',
    partitions: [
      {
        name: 'esp',
        typeGuid: partitionTypes.efiSystem,
        guid: '5f0c7d1e-0000-4000-8000-000000000002',
        sizeBytes: 34 * mebibyte,
      },
      {
        name: 'root',
        typeGuid: partitionTypes.linuxRootX64,
        guid: '5f0c7d1e-0000-4000-8000-000000000003',
        sizeBytes: 'rest',
      },
    ],
  });
  const [esp, root] = layout.partitions;
  if (esp === undefined || root === undefined) throw new Error('two partitions were asked for');
  await createSparseFile(disk, layout.diskSizeBytes);
  await writeGpt(disk, layout);
  await makeEsp({
    imagePath: disk,
    offsetBytes: esp.startBytes,
    sizeBytes: esp.sizeBytes,
    volumeId: 'cafe0001',
    sourceDateEpoch: epochSeconds,
    files: [{ path: 'loader/loader.conf', content: Buffer.from('timeout 0\n') }],
  });
  await makeExt4FromTree({
    tree,
    imagePath: disk,
    offsetBytes: root.startBytes,
    sizeBytes: root.sizeBytes - (root.sizeBytes % 4096),
    uuid: '5f0c7d1e-0000-4000-8000-000000000004',
    label: 'root',
    hashSeed: '5f0c7d1e-0000-4000-8000-000000000005',
    epochSeconds,
  });
  return disk;
}

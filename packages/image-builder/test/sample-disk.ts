import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  createSparseFile,
  makeEsp,
  makeExt4FromTree,
  partitionTypes,
  planGpt,
  writeGpt,
  type GptLayout,
} from '@osforge/disk-image';

const mebibyte = 1024 ** 2;
const epochSeconds = 1_700_000_000;

export interface SampleDisk {
  readonly path: string;
  readonly layout: GptLayout;
}

/** What names the file systems of a disk; equal for equal bytes. */
export interface SampleIdentifiers {
  readonly espVolumeId: string;
  readonly rootFileSystem: string;
  readonly hashSeed: string;
}

/** A disk of 96 MiB like those that builds make: a boot partition, and an ext4 with some files, by their paths. */
export async function makeSampleDisk(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<SampleDisk> {
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
  const identifiers = {
    espVolumeId: 'cafe0001',
    rootFileSystem: '5f0c7d1e-0000-4000-8000-000000000004',
    hashSeed: '5f0c7d1e-0000-4000-8000-000000000005',
  };
  return { path: await fillDisk({ folder, files, layout, identifiers, epochSeconds }), layout };
}

/** Makes `disk.raw`: a table, a boot partition with a loader's settings, and an ext4 with the files. */
export async function fillDisk({
  folder,
  files,
  layout,
  identifiers,
  epochSeconds: time,
}: {
  readonly folder: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly layout: GptLayout;
  readonly identifiers: SampleIdentifiers;
  readonly epochSeconds: number;
}): Promise<string> {
  const disk = path.join(folder, 'disk.raw');
  const tree = path.join(folder, 'tree');
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(tree, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const [esp, root] = layout.partitions;
  if (esp === undefined || root === undefined) throw new Error('a disk has two partitions');
  await createSparseFile(disk, layout.diskSizeBytes);
  await writeGpt(disk, layout);
  await makeEsp({
    imagePath: disk,
    offsetBytes: esp.startBytes,
    sizeBytes: esp.sizeBytes,
    volumeId: identifiers.espVolumeId,
    sourceDateEpoch: time,
    files: [{ path: 'loader/loader.conf', content: Buffer.from('timeout 0\n') }],
  });
  await makeExt4FromTree({
    tree,
    imagePath: disk,
    offsetBytes: root.startBytes,
    sizeBytes: root.sizeBytes - (root.sizeBytes % 4096),
    uuid: identifiers.rootFileSystem,
    label: 'root',
    hashSeed: identifiers.hashSeed,
    epochSeconds: time,
  });
  return disk;
}

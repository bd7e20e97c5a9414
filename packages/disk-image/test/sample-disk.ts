import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSparseFile,
  makeEsp,
  makeExt4FromTree,
  normalizeExt4Times,
  partitionTypes,
  planGpt,
  writeGpt,
} from '@osforge/disk-image';

const mib = 1024 * 1024;
const epoch = 1_700_000_000;

export interface SampleDisk {
  readonly path: string;
  readonly espStart: number;
  readonly rootStart: number;
}

/** A small disk with an EFI system partition and an ext4 root, the same bytes whenever it is made of the same tree. */
export async function makeSampleDisk(
  folder: string,
  name: string,
  files: Readonly<Record<string, string>> = { 'etc/hostname': 'sample\n' },
  sectorSize: 512 | 4096 = 512,
): Promise<SampleDisk> {
  const path = join(folder, name);
  const tree = join(folder, `${name}.tree`);
  for (const [file, text] of Object.entries({ 'usr/share/text': 'x'.repeat(300_000), ...files })) {
    await mkdir(join(tree, file, '..'), { recursive: true });
    await writeFile(join(tree, file), text);
  }
  await symlink('etc/hostname', join(tree, 'link')).catch(() => undefined);
  const layout = planGpt({
    sectorSize,
    diskSizeBytes: 32 * mib,
    diskGuid: '11111111-2222-4333-8444-555555555555',
    partitions: [
      {
        name: 'ESP',
        typeGuid: partitionTypes.efiSystem,
        guid: 'aaaaaaaa-2222-4333-8444-555555555555',
        sizeBytes: 8 * mib,
      },
      {
        name: 'root',
        typeGuid: partitionTypes.linuxRootX64,
        guid: 'bbbbbbbb-2222-4333-8444-555555555555',
        sizeBytes: 20 * mib,
      },
    ],
  });
  const [esp, root] = layout.partitions;
  if (esp === undefined || root === undefined) throw new Error('two partitions were planned');
  await createSparseFile(path, layout.diskSizeBytes);
  await writeGpt(path, layout);
  if (sectorSize === 512)
    await makeEsp({
      imagePath: path,
      offsetBytes: esp.startBytes,
      sizeBytes: esp.sizeBytes,
      volumeId: 'cafe0001',
      sourceDateEpoch: epoch,
      files: [{ path: 'EFI/BOOT/BOOTX64.EFI', content: Buffer.from('loader') }],
    });
  await makeExt4FromTree({
    tree,
    imagePath: path,
    offsetBytes: root.startBytes,
    sizeBytes: root.sizeBytes,
    uuid: '01234567-89ab-4def-8123-456789abcdef',
    label: 'root',
    hashSeed: '11111111-2222-4333-8444-555555555555',
    epochSeconds: epoch,
  });
  await normalizeExt4Times({ imagePath: path, offsetBytes: root.startBytes, epochSeconds: epoch });
  return { path, espStart: esp.startBytes, rootStart: root.startBytes };
}

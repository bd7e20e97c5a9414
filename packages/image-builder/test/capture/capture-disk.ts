import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createSparseFile, makeEsp, makeExt4FromTree, writeGpt } from '@osforge/disk-image';
import { identifiersOf, imageLayout } from '../../src/phases/disk.ts';
import { environmentOf } from '../phases/environment.ts';

/** The smallest disk of a recipe; it is sparse. */
export const diskLines: string = 'disk: { size: 1088M, espSize: 64M }\n';

const status = `Package: hello
Status: install ok installed
Architecture: amd64
Version: 2.10
`;

/** A disk like those of phase `disk`, with a package database and some files, by their paths. */
export async function makeCaptureDisk(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
  epochSeconds: number,
): Promise<string> {
  const disk = path.join(folder, 'disk.raw');
  const tree = path.join(folder, 'tree');
  for (const [name, content] of Object.entries({ 'var/lib/dpkg/status': status, ...files })) {
    const file = path.join(tree, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const environment = await environmentOf(folder, diskLines);
  const identifiers = identifiersOf(environment);
  const layout = imageLayout(environment, identifiers);
  const [esp, root] = layout.partitions;
  if (esp === undefined || root === undefined) throw new Error('a disk has two partitions');
  await createSparseFile(disk, layout.diskSizeBytes);
  await writeGpt(disk, layout);
  await makeEsp({
    imagePath: disk,
    offsetBytes: esp.startBytes,
    sizeBytes: esp.sizeBytes,
    volumeId: identifiers.espVolumeId,
    sourceDateEpoch: epochSeconds,
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
    epochSeconds,
  });
  return disk;
}

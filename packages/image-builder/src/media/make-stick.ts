import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  createBmap,
  createSparseFile,
  encodeBmap,
  makeEsp,
  openImage,
  partitionTypes,
  planGpt,
  writeGpt,
  type EspFile,
} from '@osforge/disk-image';
import { writeFileDurable } from '@osforge/flush';
import { bootFiles } from './boot-files.ts';
import { espBytesFor } from './esp-bytes.ts';
import type { MediumRequest } from './make-iso.ts';

const mebibyte = 1024 ** 2;

/**
 * Makes the image of a stick: a partition table and one EFI system partition with all that the medium carries, which the
 * installer can write its counter to; and `<target>.bmap` beside it. Equal input gives equal bytes.
 */
export async function makeStick(request: MediumRequest): Promise<void> {
  const { target, content, boot, name, identifiers, epochSeconds, signal } = request;
  const files = [...bootFiles(boot, { name }), ...(await contentFiles(content))];
  const sizeBytes = await espBytesFor(files);
  const layout = planGpt({
    sectorSize: 512,
    // The table before and its backup behind.
    diskSizeBytes: sizeBytes + 2 * mebibyte,
    diskGuid: identifiers.stickDisk,
    partitions: [
      {
        name: 'OSFORGE',
        typeGuid: partitionTypes.efiSystem,
        guid: identifiers.stickPartition,
        sizeBytes,
      },
    ],
  });
  await rm(target, { force: true });
  await createSparseFile(target, layout.diskSizeBytes);
  await writeGpt(target, layout);
  await makeEsp({
    imagePath: target,
    offsetBytes: mebibyte,
    sizeBytes,
    volumeId: identifiers.volumeId,
    label: 'OSFORGE',
    sourceDateEpoch: epochSeconds,
    temporaryDirectory: path.dirname(target),
    timeoutMs: 10 * 60_000,
    signal,
    files,
  });
  const disk = await openImage(target, 'raw', { signal });
  try {
    await writeFileDurable(`${target}.bmap`, encodeBmap(await createBmap(disk, { signal })));
  } finally {
    await disk.close();
  }
}

async function contentFiles(content: string): Promise<EspFile[]> {
  const entries = await readdir(content, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const from = path.join(parentPath, name);
      return { path: path.relative(content, from), from };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

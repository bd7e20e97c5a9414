import { open } from 'node:fs/promises';
import { createSparseFile, partitionTypes, planGpt, type SectorSize, writeGpt } from '@osforge/disk-image';
import { seededRandom } from '../temp.ts';

export const kib = 1024;
export const mib = 1024 * kib;
export const block = 128 * kib;

export interface DiskOptions {
  readonly sizeBytes?: number;
  readonly sectorSize?: SectorSize;
  readonly seed?: number;
  /** Stretches of data; default some of each kind. */
  readonly data?: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly partitions?: readonly string[];
}

/** Bytes that look random, or like text or tables. */
export function sampleBytes(length: number, kind: 'noise' | 'text' | 'mixed', seed: number): Buffer {
  const random = seededRandom(seed);
  const bytes = Buffer.alloc(length);
  const words = ['sector ', 'block ', 'extent ', 'partition ', 'of ', 'the ', 'disk\n', '\0\0\0\0\x01\0\0\0'];
  for (let at = 0; at < length;) {
    if (kind === 'noise' || (kind === 'mixed' && random(3) === 0)) {
      const end = Math.min(length, at + 64);
      for (; at < end; at += 1) bytes[at] = random(256);
    } else {
      at += bytes.write(words[random(words.length)] ?? '', at, 'latin1');
    }
  }
  return bytes;
}

/** A disk with a GPT, data, holes, and zeros that are stored. */
export async function makeDisk(path: string, options: DiskOptions = {}): Promise<void> {
  const { sizeBytes = 16 * mib, sectorSize = 512, seed = 1 } = options;
  await createSparseFile(path, sizeBytes, { overwrite: true });
  const names = options.partitions ?? ['EFI system', 'root'];
  await writeGpt(
    path,
    planGpt({
      sectorSize,
      diskSizeBytes: sizeBytes,
      diskGuid: '5f0c7d1e-0000-4000-8000-000000000001',
      alignmentBytes: 64 * kib,
      partitions: names.map((name, index) => ({
        name,
        typeGuid: index === 0 ? partitionTypes.efiSystem : partitionTypes.linuxRootX64,
        guid: `5f0c7d1e-0000-4000-8000-1000000000${String(index).padStart(2, '0')}`,
        sizeBytes: index === names.length - 1 ? 'rest' : 64 * kib,
      })),
    }),
  );
  const data = options.data ?? [
    { at: 2 * mib, bytes: sampleBytes(1.5 * mib, 'text', seed) },
    { at: 4 * mib + 5000, bytes: sampleBytes(700 * kib, 'noise', seed + 1) },
    { at: 6 * mib, bytes: Buffer.alloc(mib) },
    { at: 8 * mib + 100 * kib, bytes: sampleBytes(2 * mib, 'mixed', seed + 2) },
    { at: 12 * mib + 127 * kib, bytes: Buffer.from([1]) },
  ];
  const file = await open(path, 'r+');
  try {
    for (const { at, bytes } of data)
      if (at + bytes.length <= sizeBytes) await file.write(bytes, 0, bytes.length, at);
  } finally {
    await file.close();
  }
}

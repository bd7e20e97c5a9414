import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import {
  createSparseFile,
  ImageBoundsError,
  inspectImage,
  isImageFormatError,
  memoryReader,
  NtfsFormatError,
  readNtfsState,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { mib } from './ffu/disk.ts';
import { seededRandom, tempFolder } from './temp.ts';

const inflate = (text: string): Buffer => inflateSync(Buffer.from(text, 'base64'));

/**
 * Boot sector and record 3 (`$Volume`) as `mkntfs -F -Q -L … -s …` of ntfs-3g 2022.10.3 wrote them; label and serial as
 * blkid reads them.
 */
const volumes = [
  {
    sizeBytes: 8 * mib,
    label: 'System',
    flagsAt: 0x190 + 24 + 10,
    recordAt: 19_456,
    boot: inflate(
      'eNp7HTTBL8QtWAEIGJg4GCDgBwODPYMAAwOU3wCE/+0hbBaokv/MEPobEDMCsWfF/bBbyc1qIDE++X2FNWuUDpRwh23h283OcFYg7vUHoydnxc5Kvv4XkpFZrABEefklCokKSfn5JYlJOakKKZnF2XoKATmpicWpCpl5xalFKNJpOfkFBZUKiXkpvFwFRanFxUBmpUJ2aqVCSb5CSRFQJj0xM09BT09PgZeLYRQQCUJXAQAMaD05',
    ),
    record: inflate(
      'eNpz8/RxNWBgZoABZgZGBgsgvsEI5LDAhRnYwHIMDExQvgAQe4BZEmDSAMpqmFr5qLLhLiMumo0BFYD0ZcDNYWQIALMYGVjBYqwEzUMzjgFmPjuzCkMYQz5DDkMpQy5DKtjcBrg9TAwpcBtZGkD+CIHqEwHLmkD9KcIwn1GIgRFiC6sQVD9YDKKAVQFIKADZyGrQ5UAgAYg14PazMPBAWcEMlQzFDCVAF+aCZQtQ1LHC1cHjB+rjBri4BDRmIKz/QMBANGBiGAUjGTAxAACShDdd',
    ),
  },
  {
    sizeBytes: 16 * mib,
    label: 'Größe',
    flagsAt: 0x1a0 + 24 + 10,
    recordAt: 28_672,
    boot: inflate(
      'eNp7HTTBL8QtWAEIGAQYGSDgBwODPYMAAwOU3wCE//khbBaokv/sEJoRij0r7ofdSm5WA4nxye8rrFmjdKCEO2wL3252hrMCca8/GD05K3ZW8vW/kIzMYgUgyssvUUhUSMrPL0lMyklVSMksztZTCMhJTSxOVcjMK04tQpFOy8kvKKhUSMxL4eUqKEotLgYyKxWyUysVSvIVSoqAMumJmXkKenp6CrxcDKOASBC6CgAO1DwY',
    ),
    record: inflate(
      'eNrtkbsKwjAUhv+0jaI4SOnQsYODYwdfQa3g4CDODgoOiiI4dMtLOPtkIjj5BK6aW4MWiw/Q80GS03NN+o8m02GKFgp8MGRyPZj86Do3GjoGePiNSs20Fes9tZY45/dcXFnV2Sj1UXUb14dhpi0Grn38b7/yvYr+Tb+HBfbY4oQd1rqvcHM8rNzEQKh3zG1dpKMD++4IFxaCmSk8tPXaZxJ4IrdE2p855ZhiKVffzQ/QttYYRzxxkzc0HL7yODruD1u97IuF88dWKWO9JKjEA1FnSH/SnyD9CdKfIP0J0p+ok/5vNp84Bw==',
    ),
  },
];
const serial = '268363DA56DF7849';
type Volume = (typeof volumes)[number];

function image({ boot, record, recordAt }: Volume): Buffer {
  const bytes = Buffer.alloc(recordAt + record.length);
  boot.copy(bytes);
  record.copy(bytes, recordAt);
  return bytes;
}

test.each(volumes)('what mkntfs made is clean, and dirty with the flag: $label', async (volume) => {
  const { sizeBytes, label, flagsAt, recordAt, record } = volume;
  const bytes = image(volume);
  // The size is without the last sector, which holds a copy of the boot sector.
  const found = await readNtfsState(memoryReader(bytes));
  expect(found).toMatchObject({ dirty: false, label, serial, version: '3.1' });
  expect(found.sizeBytes).toBeLessThan(sizeBytes);
  expect(found.sizeBytes).toBeGreaterThan(sizeBytes - 8192);
  bytes.writeUInt16LE(1, recordAt + flagsAt);
  expect((await readNtfsState(memoryReader(Buffer.concat([Buffer.alloc(512), bytes])), 512)).dirty).toBe(
    true,
  );
  // Half of the record is of an earlier write.
  bytes.writeUInt16LE(7, recordAt + record.length - 2);
  await expect(readNtfsState(memoryReader(bytes))).rejects.toThrow(/record 3 was written by halves/);
  await expect(readNtfsState(memoryReader(bytes.subarray(0, recordAt)))).rejects.toThrow(ImageBoundsError);
  await expect(readNtfsState(memoryReader(Buffer.alloc(4096)))).rejects.toThrow(NtfsFormatError);
});

test('inspect tells it', async () => {
  const folder = await tempFolder();
  const [volume] = volumes;
  if (volume === undefined) throw new Error('there are volumes');
  const path = join(folder, 'ntfs.raw');
  await createSparseFile(path, volume.sizeBytes);
  const file = await open(path, 'r+');
  await file.write(image(volume), 0, undefined, 0);
  expect((await inspectImage(path)).fileSystem).toMatchObject({
    type: 'ntfs',
    label: 'System',
    uuid: serial,
    dirty: false,
    state: 'clean',
  });
  await file.write(Buffer.from([1]), 0, 1, volume.recordAt + volume.flagsAt);
  expect((await inspectImage(path)).fileSystem).toMatchObject({ dirty: true, state: 'dirty' });
  await file.write(Buffer.from([0]), 0, 1, volume.recordAt);
  await file.close();
  expect((await inspectImage(path)).fileSystem).toEqual({
    type: 'ntfs',
    problem: 'record 3 has no signature "FILE"',
  });
});

test('fuzz: mutated records give a state or a typed error', async () => {
  const random = seededRandom(Number(process.env['OSFORGE_FUZZ_SEED'] ?? 1));
  const seen = { read: 0, refused: 0 };
  for (let round = 0; round < Number(process.env['OSFORGE_FUZZ_ROUNDS'] ?? 5000); round += 1) {
    const volume = volumes[round % volumes.length] ?? volumes[0];
    if (volume === undefined) throw new Error('there are volumes');
    const bytes = image(volume);
    for (let change = 1 + random(3); change > 0; change -= 1) {
      const at = random(2) === 0 ? random(84) : volume.recordAt + random(0x200);
      bytes.writeUInt8(random(256), at);
    }
    try {
      await readNtfsState(memoryReader(bytes));
      seen.read += 1;
    } catch (error) {
      if (!isImageFormatError(error)) throw new Error(`round ${round}`, { cause: error });
      seen.refused += 1;
    }
  }
  expect(seen.read).toBeGreaterThan(300);
  expect(seen.refused).toBeGreaterThan(300);
});

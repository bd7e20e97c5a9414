import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  contentDigest,
  convertAny,
  imageInfo,
  inspectImage,
  openImage,
  rawContentDigest,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { makeDisk, mib, sampleBytes } from './ffu/disk.ts';
import { seededRandom, tempFolder, tool, toolExit } from './temp.ts';

/** A mutant of qcow2 or VHDX takes some ten programs, and a fifth of a second; the soak makes twenty times as many. */
const share = Number(process.env['OSFORGE_FUZZ_SHARE'] ?? 1) * (process.env['OSFORGE_SOAK'] === '1' ? 20 : 1);
const seed = Number(process.env['OSFORGE_FUZZ_SEED'] ?? 1);
/** For what takes well below a second on a quiet machine. */
const deadlineMs = 60_000;
const diskBytes = 4 * mib;
/** A mutant that claims more is refused, and never asked for. */
const limits = { maxDiskBytes: 8 * mib, maxExpandedBytes: 8 * mib };
type Random = (below: number) => number;

const interesting = [0, 1, 3, 9, 12, 16, 21, 31, 63, 255, 511, 512, 4096, 65_535, 0x7fff_ffff, 0xffff_ffff];

/** `hot` are places that hold something: most of an image is zeros, and most of the rest is data. */
function mutate(bytes: Buffer, hot: readonly number[], random: Random): Buffer {
  let copy = Buffer.from(bytes);
  for (let change = 1 + random(2); change > 0; change -= 1) {
    const place = random(5) === 0 ? random(copy.length) : (hot[random(hot.length)] ?? 0);
    const at = Math.max(0, Math.min(place, copy.length - 8));
    if (copy.length < 8) break;
    const value = interesting[random(interesting.length)] ?? 0;
    const kind = random(10);
    if (kind < 3) copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
    else if (kind === 3) copy[at] = random(256);
    else if (kind === 4) copy.writeUInt32BE(value, at - (at % 4));
    else if (kind === 5) copy.writeUInt32LE(value, at - (at % 4));
    else if (kind === 6)
      copy.copyWithin(at - (at % 8), (hot[random(hot.length)] ?? 0) & ~7, at - (at % 8) + 8);
    else if (kind === 7) copy.fill(random(256), at, Math.min(copy.length, at + random(64)));
    else if (kind === 8) copy = copy.subarray(0, random(copy.length));
    else copy = Buffer.concat([copy, Buffer.alloc(random(5000), random(256))]);
  }
  return copy;
}

function hotPlaces(bytes: Buffer, end: number): number[] {
  const places: number[] = [];
  for (let at = 0; at < Math.min(end, bytes.length); at += 1) if (bytes[at] !== 0) places.push(at);
  return places;
}

/** What a call gave: its result, or the code of its error. Fails for an error without one, and for a call that hangs. */
async function outcome<T>(place: string, call: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const signal = AbortSignal.timeout(deadlineMs);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error(`${place}: no answer within ${deadlineMs} ms`));
    });
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([call(signal), late]);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!/^(DISK_IMAGE_|PROCESS_FAILED$)/.test(code)) throw new Error(place, { cause: error });
    return undefined;
  }
}

async function smallDisk(folder: string): Promise<string> {
  const raw = join(folder, 'disk.raw');
  const data = [
    { at: mib, bytes: sampleBytes(300_000, 'text', 1) },
    { at: 2 * mib + 5000, bytes: sampleBytes(100_000, 'noise', 2) },
  ];
  await makeDisk(raw, { sizeBytes: diskBytes, data });
  return raw;
}

const qemuFormats = [
  { name: 'qcow2', rounds: 60, format: 'qcow2', args: ['-o', 'cluster_size=4096'], metadataBytes: 24_576 },
  {
    name: 'qcow2, zstd',
    rounds: 60,
    format: 'qcow2',
    args: ['-c', '-o', 'compression_type=zstd,cluster_size=4096'],
    metadataBytes: 65_536,
  },
  { name: 'VHDX', rounds: 75, format: 'vhdx', args: [], metadataBytes: 4 * mib },
] as const;

test.each(qemuFormats)(
  'mutants of $name: an error with a code, or the disk that qemu reads in them',
  async ({ name, rounds, format, args, metadataBytes }) => {
    const folder = await tempFolder();
    const raw = await smallDisk(folder);
    const image = join(folder, 'image');
    const back = join(folder, 'back.raw');
    await tool('qemu-img', 'convert', '-f', 'raw', '-O', format, ...args, raw, image);
    const original = await readFile(image);
    const hot = hotPlaces(original, metadataBytes);
    const random = seededRandom(1000 * seed + name.length);
    const seen = { refused: 0, converted: 0, noted: 0 };
    const count = Math.ceil(rounds * share);
    for (let round = 0; round < count; round += 1) {
      const place = `${name}, round ${round} of seed ${seed}`;
      await writeFile(image, mutate(original, hot, random));
      const converted = await outcome(place, (signal) =>
        convertAny({ source: image, target: back, overwrite: true, signal, ...limits }),
      );
      const looked = await outcome(place, (signal) => inspectImage(image, { hash: true, signal, ...limits }));
      if (looked?.problem !== undefined) seen.noted += 1;
      if (converted === undefined) {
        seen.refused += 1;
        // What inspect finds whole can be converted.
        if (looked !== undefined) expect(looked.problem, place).toBeDefined();
        continue;
      }
      seen.converted += 1;
      // Without its first bytes it is a raw disk, of any size.
      if (converted.sourceFormat !== format) continue;
      const digest = await rawContentDigest(back);
      if (looked !== undefined) expect(looked.hashes?.disk, place).toBe(digest);
      const { virtualSizeBytes } = await imageInfo(image, format);
      expect(virtualSizeBytes, place).toBeLessThanOrEqual(limits.maxDiskBytes);
      const theirs = join(folder, 'theirs.raw');
      const { code, output } = await toolExit(
        'qemu-img',
        'convert',
        '-f',
        format,
        '-O',
        'raw',
        image,
        theirs,
      );
      expect({ code, output }, place).toEqual({ code: 0, output: '' });
      expect(await rawContentDigest(theirs), place).toBe(digest);
      await rm(theirs);
      if (round % 10 !== 0) continue;
      const reader = await openImage(image, format);
      expect(await contentDigest(reader), place).toBe(digest);
      await reader.close();
    }
    // They get past the header, and are seen.
    expect(seen.refused).toBeGreaterThan(count / 10);
    expect(seen.converted).toBeGreaterThan(count / 20);
  },
  900_000,
);

const compressed = [
  { name: 'gzip', rounds: 150, file: 'disk.raw.gz', make: ['gzip', '-n'] },
  { name: 'xz', rounds: 150, file: 'disk.raw.xz', make: ['xz', '-0'] },
  { name: 'zstd', rounds: 150, file: 'disk.raw.zst', make: ['zstd', '-q', '--rm'] },
] as const;

test.each(compressed)(
  'mutants of $name: an error with a code, or the disk that was compressed',
  async ({ name, rounds, file, make }) => {
    const folder = await tempFolder();
    const raw = await smallDisk(folder);
    const disk = await rawContentDigest(raw);
    const [program, ...args] = make;
    await tool(program, ...args, raw);
    const image = join(folder, file);
    const original = await readFile(image);
    const hot = [
      ...hotPlaces(original, 64),
      ...Array.from({ length: 64 }, (_, at) => original.length - 64 + at),
    ];
    const random = seededRandom(1000 * seed + name.length);
    const seen = { refused: 0, right: 0 };
    const count = Math.ceil(rounds * share);
    for (let round = 0; round < count; round += 1) {
      const place = `${name}, round ${round} of seed ${seed}`;
      await writeFile(image, mutate(original, hot, random));
      const back = join(folder, 'back.qcow2');
      const inspected = await outcome(place, (signal) =>
        inspectImage(image, { hash: true, signal, temporaryFolder: folder, ...limits }),
      );
      const looksRaw = inspected?.format === 'raw';
      if (inspected === undefined) seen.refused += 1;
      else if (!looksRaw) {
        seen.right += 1;
        expect(inspected.hashes?.disk, place).toBe(disk);
      }
      // What one of them refuses the other does too.
      if (round % 8 !== 0) continue;
      const converted = await outcome(place, (signal) =>
        convertAny({ source: image, target: back, overwrite: true, signal, ...limits }),
      );
      expect(converted === undefined, place).toBe(inspected === undefined);
      if (converted !== undefined && !looksRaw)
        expect(await rawContentDigest(back, 'qcow2'), place).toBe(disk);
    }
    expect(seen.refused).toBeGreaterThan(count / 4);
    expect(seen.refused + seen.right).toBeGreaterThan(count / 2);
  },
  900_000,
);

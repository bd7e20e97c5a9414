import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BmapFormatError,
  collectBmap,
  createBmap,
  encodeBmap,
  openImage,
  parseBmap,
  rangeBytes,
  rawContentDigest,
  type Bmap,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { makeSampleDisk } from './sample-disk.ts';
import { seededRandom, tempFolder, tool } from './temp.ts';

async function bmapOf(path: string): Promise<Bmap> {
  const reader = await openImage(path, 'raw');
  try {
    return await createBmap(reader);
  } finally {
    await reader.close();
  }
}

test('bmaptool copies by our map, onto zeros and onto garbage, and every file is right', async () => {
  const folder = await tempFolder();
  // A file of zeros that is allocated: a map of holes alone would leave garbage in it.
  const { path, rootStart } = await makeSampleDisk(folder, 'disk.raw', { 'etc/zeros': '\0'.repeat(200_000) });
  const bmap = await bmapOf(path);
  const file = join(folder, 'disk.bmap');
  await writeFile(file, encodeBmap(bmap));
  const fresh = join(folder, 'fresh.raw');
  await tool('bmaptool', 'copy', '--bmap', file, path, fresh);
  expect(await rawContentDigest(fresh)).toBe(await rawContentDigest(path));
  const used = join(folder, 'used.raw');
  await writeFile(used, randomBytes(32 * 1024 * 1024));
  await tool('bmaptool', 'copy', '--bmap', file, path, used);
  const part = join(folder, 'part');
  await tool(
    'dd',
    `if=${used}`,
    `of=${part}`,
    'bs=4096',
    `skip=${rootStart / 4096}`,
    'count=5120',
    'status=none',
  );
  await tool('e2fsck', '-fn', part);
  const zeros = await tool('debugfs', '-R', 'cat /etc/zeros', part);
  expect(zeros).toContain('\0'.repeat(200_000));
  await tool('sgdisk', '-v', used);
  // It is worth having: much is not written.
  const mapped = bmap.ranges.reduce((sum, range) => sum + rangeBytes(bmap, range).lengthBytes, 0);
  expect(mapped).toBeLessThan(24 * 1024 * 1024);
  // bmaptool notices what was changed.
  const changed = await open(path, 'r+');
  await changed.write(Buffer.from([1]), 0, 1, rootStart + 1024 + 900);
  await changed.close();
  await expect(tool('bmaptool', 'copy', '--bmap', file, path, fresh)).rejects.toThrow(/checksum/i);
});

test('what bmaptool writes is read, and what is written is read back', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  await tool('bmaptool', 'create', path, '-o', join(folder, 'theirs.bmap'));
  const theirs = parseBmap(await readFile(join(folder, 'theirs.bmap'), 'utf8'));
  expect(theirs).toMatchObject({ imageSizeBytes: 32 * 1024 * 1024, blockBytes: 4096 });
  const bytes = await readFile(path);
  for (const range of theirs.ranges) {
    const { startBytes, lengthBytes } = rangeBytes(theirs, range);
    const piece = bytes.subarray(startBytes, startBytes + lengthBytes);
    expect(range.sha256).toBe(createHash('sha256').update(piece).digest('hex'));
  }
  const ours = await bmapOf(path);
  expect(parseBmap(encodeBmap(ours))).toEqual(ours);
});

test('pieces of any length give the same map', () => {
  const random = seededRandom(5);
  const disk = Buffer.alloc(300_000);
  for (let count = 0; count < 20; count += 1) disk[random(disk.length)] = 1 + random(255);
  const used = [
    { start: 5000, end: 9000 },
    { start: 200_000, end: 200_001 },
  ];
  const whole = collectBmap(used);
  whole.add(disk);
  const expected = whole.end();
  expect(expected.imageSizeBytes).toBe(300_000);
  expect(expected.ranges.some(({ firstBlock, lastBlock }) => firstBlock <= 48 && lastBlock >= 48)).toBe(true);
  for (let round = 0; round < 20; round += 1) {
    const collector = collectBmap(used);
    for (let at = 0; at < disk.length;) {
      const end = Math.min(disk.length, at + 1 + random(20_000));
      collector.add(disk.subarray(at, end));
      at = end;
    }
    expect(collector.end()).toEqual(expected);
  }
});

describe('a bmap that is not right is refused with its place', () => {
  const sha256 = 'ab'.repeat(32);
  const good: Bmap = {
    imageSizeBytes: 40_000,
    blockBytes: 4096,
    ranges: [
      { firstBlock: 0, lastBlock: 1, sha256 },
      { firstBlock: 9, lastBlock: 9, sha256 },
    ],
  };
  const text = encodeBmap(good);
  // With the checksum of the file made right again.
  const changed = (from: string | RegExp, to: string): string => {
    const body = text.replace(from, to).replace(/(<BmapFileChecksum> )[0-9a-f]{64}/, `$1${'0'.repeat(64)}`);
    return body.replace('0'.repeat(64), createHash('sha256').update(body).digest('hex'));
  };
  test.each([
    ['nothing', '', /the end|no bmap/],
    ['no XML', 'hello', /line 1/],
    ['a changed byte', text.replace('40000', '40001'), /BmapFileChecksum/],
    ['an older version', changed('version="2.0"', 'version="1.4"'), /version 2/],
    ['ranges out of order', changed('> 9 <', '> 1 <'), /range 2/],
    ['a range outside', changed('> 9 <', '> 10 <'), /range 2/],
    ['a count', changed('> 3 <', '> 4 <'), /MappedBlocksCount/],
    ['blocks', changed('> 10 <', '> 11 <'), /BlocksCount/],
    ['a block size', changed('> 4096 <', '> 4097 <'), /BlockSize/],
    ['another digest', changed('sha256 <', 'md5 <'), /ChecksumType/],
    ['a field twice', changed('</bmap>', '<BlockSize> 1 </BlockSize></bmap>'), /twice/],
    ['an unknown element', changed('</bmap>', '<Script> 1 </Script></bmap>'), /not known/],
    ['an entity', changed('> 9 <', '> &x; <'), /range 2/],
    ['a document type', `<!DOCTYPE x>${text}`, /line 1/],
  ])('%s', (_, bad, message) => {
    expect(() => parseBmap(bad)).toThrow(BmapFormatError);
    expect(() => parseBmap(bad)).toThrow(message);
  });

  test('cut or changed anywhere', () => {
    const random = seededRandom(9);
    for (let round = 0; round < 500; round += 1) {
      const at = random(text.length);
      const bad =
        round % 2 === 0
          ? text.slice(0, at)
          : `${text.slice(0, at)}${String.fromCharCode(32 + random(95))}${text.slice(at + 1)}`;
      try {
        expect(parseBmap(bad)).toEqual(good);
      } catch (error) {
        expect(error).toBeInstanceOf(BmapFormatError);
      }
    }
  });
});

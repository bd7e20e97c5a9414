import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openSource } from '../src/source/open-source.ts';
import type { ImageSource, SourceFormat } from '../src/source/source.ts';
import { image, mebibyte, scratch, tool } from './scratch.ts';

const size = 5 * mebibyte + 1536;

interface Case {
  readonly name: string;
  readonly format: SourceFormat;
  /** Makes the file from a raw image; the raw image stays. */
  readonly make: (raw: string, to: string) => void;
  readonly sizeKnown: boolean;
}

const cases: readonly Case[] = [
  { name: 'raw', format: 'raw', make: (raw, to) => tool('cp', '--sparse=always', raw, to), sizeKnown: true },
  {
    name: 'gzip',
    format: 'gzip',
    make: (raw, to) => tool('sh', '-c', `gzip -1 <${raw} >${to}`),
    sizeKnown: false,
  },
  { name: 'xz', format: 'xz', make: (raw, to) => tool('sh', '-c', `xz -0 <${raw} >${to}`), sizeKnown: true },
  {
    name: 'zstd',
    format: 'zstd',
    make: (raw, to) => tool('zstd', '-q', '-1', raw, '-o', to),
    sizeKnown: true,
  },
  {
    name: 'zstd of a pipe, without the size',
    format: 'zstd',
    make: (raw, to) => tool('sh', '-c', `zstd -q -1 <${raw} >${to}`),
    sizeKnown: false,
  },
  {
    name: 'two zstd frames after one another',
    format: 'zstd',
    make: (raw, to) =>
      tool('sh', '-c', `(head -c 1000000 ${raw} | zstd -q; tail -c +1000001 ${raw} | zstd -q) >${to}`),
    sizeKnown: false,
  },
  {
    name: 'zstd behind a frame to skip, as pzstd writes it',
    format: 'zstd',
    make: (raw, to) => {
      const skip = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
      writeFileSync(to, Buffer.concat([skip, zstdCompressSync(readFileSync(raw)), skip]));
    },
    sizeKnown: false,
  },
  {
    name: 'qcow2',
    format: 'qcow2',
    make: (raw, to) => tool('qemu-img', 'convert', '-O', 'qcow2', raw, to),
    sizeKnown: true,
  },
  {
    name: 'vhdx',
    format: 'vhdx',
    make: (raw, to) => tool('qemu-img', 'convert', '-O', 'vhdx', raw, to),
    sizeKnown: true,
  },
];

async function readAll(source: ImageSource, from: number): Promise<Buffer> {
  const reader = await source.open(from);
  const parts: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(300_000);
    const count = await reader.read(buffer);
    parts.push(buffer.subarray(0, count));
    if (count < buffer.length) break;
  }
  await reader.close();
  await reader.close();
  return Buffer.concat(parts);
}

describe.each(cases)('a source of $name', ({ format, make, sizeKnown }) => {
  const prepare = (): { raw: string; path: string; expected: Buffer } => {
    const folder = scratch();
    const raw = image(folder, size, 2);
    const path = join(folder, 'source');
    make(raw, path);
    return { raw, path, expected: readFileSync(raw) };
  };
  // vhdx has whole megabytes: what is beyond the image is zeros.
  const same = (found: Buffer, expected: Buffer): boolean =>
    found.subarray(0, expected.length).equals(expected) &&
    found.subarray(expected.length).every((byte) => byte === 0);

  test('is recognized, knows its size if its file does, and gives its bytes to several readers', async () => {
    const { path, expected } = prepare();
    const source = await openSource({ path });
    try {
      expect(source.format).toBe(format);
      if (!sizeKnown) expect(source.sizeBytes).toBeUndefined();
      else if (format !== 'vhdx') expect(source.sizeBytes).toBe(size);
      const [whole, rest] = await Promise.all([readAll(source, 0), readAll(source, 2_000_001)]);
      expect(same(whole, expected)).toBe(true);
      expect(same(rest, expected.subarray(2_000_001))).toBe(true);
      const left = await source.open(0);
      await left.read(Buffer.alloc(10));
      await left.close();
    } finally {
      await source.close();
    }
  });

  test('says that a file is cut', async () => {
    const { path } = prepare();
    if (format === 'raw') return; // any length is a raw image
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length / 2)));
    await expect(
      (async () => {
        const source = await openSource({ path });
        try {
          await readAll(source, 0);
        } finally {
          await source.close();
        }
      })(),
    ).rejects.toThrow();
  });
});

test('a bmap file of bmaptool says where the image is zeros, and a foreign one is refused', async () => {
  const folder = scratch();
  const raw = image(folder, 8 * mebibyte, 3);
  const bmapPath = join(folder, 'image.bmap');
  tool('bmaptool', 'create', '--output', bmapPath, raw);
  const source = await openSource({ path: raw, bmapPath });
  expect(source.sizeBytes).toBe(8 * mebibyte);
  const data = source.extents?.filter(({ zero }) => !zero) ?? [];
  expect(data[0]).toMatchObject({ startBytes: 0, lengthBytes: mebibyte + 4096 });
  expect(source.extents?.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)).toBe(8 * mebibyte);
  const zeros = source.extents?.filter(({ zero }) => zero) ?? [];
  const bytes = readFileSync(raw);
  for (const { startBytes, lengthBytes } of zeros)
    expect(bytes.subarray(startBytes, startBytes + lengthBytes).every((byte) => byte === 0)).toBe(true);
  await source.close();

  tool('truncate', '--size=9M', raw);
  await expect(openSource({ path: raw, bmapPath })).rejects.toMatchObject({ fields: { reason: 'changed' } });
  for (const damage of [/<ImageSize>[^<]*/, /<BlockSize>[^<]*/, /<Range[^>]*>[^<]*/]) {
    writeFileSync(
      bmapPath,
      readFileSync(bmapPath, 'utf8').replace(
        damage,
        (text) => `${text.split('>')[0] ?? ''}> 99999999999999999 `,
      ),
    );
    await expect(openSource({ path: raw, bmapPath })).rejects.toMatchObject({ fields: { reason: 'format' } });
  }
});

test.each([
  ['a zip archive', Buffer.from('PK\u0003\u0004')],
  ['compressed by bzip2', Buffer.from('BZh91AY&SY')],
  ['compressed by lz4', Buffer.from([0x04, 0x22, 0x4d, 0x18])],
  ['a 7z archive', Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])],
  ['a VMDK image', Buffer.from('KDMV')],
])('what is %s is not taken for a raw disk, unless it is said to be one', async (what, magic) => {
  const path = join(scratch(), 'source');
  writeFileSync(path, Buffer.concat([magic, Buffer.alloc(mebibyte)]));
  await expect(openSource({ path })).rejects.toMatchObject({
    fields: { reason: 'format' },
    message: expect.stringContaining(what) as string,
  });
  const source = await openSource({ path, format: 'raw' });
  expect(source.format).toBe('raw');
  await source.close();
});

test('what comes out of a compressed file and is no raw disk is refused, and the error says what to do', async () => {
  const folder = scratch();
  const raw = image(folder, mebibyte, 1);
  const wrapped = join(folder, 'image.tar.gz');
  tool('tar', '--create', '--gzip', `--file=${wrapped}`, raw);
  await expect(openSource({ path: wrapped })).rejects.toMatchObject({
    fields: { path: wrapped, reason: 'format' },
    message: expect.stringMatching(/comes out of .* is a tar archive.*unpack it first/) as string,
  });
  const disk = join(folder, 'disk.qcow2');
  tool('qemu-img', 'convert', '-O', 'qcow2', raw, disk);
  tool('zstd', '-q', '-1', disk);
  await expect(openSource({ path: `${disk}.zst` })).rejects.toMatchObject({
    message: expect.stringMatching(/is qcow2, not a raw disk: unpack it first/) as string,
  });
});

test('a qcow2 that stands on another file of this machine is refused', async () => {
  const folder = scratch();
  const secret = image(folder, mebibyte, 2);
  const path = join(folder, 'overlay.qcow2');
  tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret, path);
  await expect(openSource({ path })).rejects.toThrow(/has a backing file/);
});

test('an xz file whose header asks for more memory than any preset needs is refused', async () => {
  const path = join(scratch(), 'source.xz');
  tool('sh', '-c', `head -c 100000 /dev/zero | xz -0 --lzma2=dict=768MiB >${path}`);
  const source = await openSource({ path });
  try {
    await expect(readAll(source, 0)).rejects.toThrow(/memory/i);
  } finally {
    await source.close();
  }
});

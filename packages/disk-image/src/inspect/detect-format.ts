import { open } from 'node:fs/promises';

/** The formats that are told by their first bytes; everything else counts as raw. */
export type DetectedFormat = 'raw' | 'qcow2' | 'vhdx' | 'ffu' | 'raw.zst' | 'raw.gz' | 'raw.xz';

const magics: readonly (readonly [DetectedFormat, number, Buffer])[] = [
  ['qcow2', 0, Buffer.from([0x51, 0x46, 0x49, 0xfb])],
  ['vhdx', 0, Buffer.from('vhdxfile')],
  ['ffu', 4, Buffer.from('SignedImage ')],
  ['raw.gz', 0, Buffer.from([0x1f, 0x8b, 8])],
  ['raw.xz', 0, Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
];

/** Tells an image's format from its first 16 bytes, never from its name. */
export function detectFormat(head: Uint8Array): DetectedFormat {
  const bytes = Buffer.from(head);
  if (bytes.length >= 4) {
    const magic = bytes.readUInt32LE(0);
    // A zstd file may begin with skippable frames, as that of pzstd does.
    if (magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50) return 'raw.zst';
  }
  for (const [format, at, magic] of magics)
    if (bytes.subarray(at, at + magic.length).equals(magic)) return format;
  return 'raw';
}

/** The same for a file or a device. */
export async function detectFileFormat(path: string): Promise<DetectedFormat> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(16);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return detectFormat(head.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

import { open } from 'node:fs/promises';
import { ImageForeignError } from '../errors.ts';
import { type ForeignFile, foreignFile, foreignHeadBytes } from './foreign-file.ts';

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

/**
 * The same for a file or a device.
 * @throws ImageForeignError for an archive, or an image of a kind that is not read here: as raw it would be nonsense
 */
export async function detectFileFormat(path: string): Promise<DetectedFormat> {
  const found = await tellFile(path);
  if (typeof found === 'string') return found;
  throw new ImageForeignError(
    path,
    found.format,
    `is ${found.what}, which cannot be read here`,
    found.remedy,
  );
}

/** The same, with what is not read here as a result. */
export async function tellFile(path: string): Promise<DetectedFormat | ForeignFile> {
  const file = await open(path, 'r');
  try {
    const memory = Buffer.alloc(foreignHeadBytes);
    const { bytesRead } = await file.read(memory, 0, memory.length, 0);
    const head = memory.subarray(0, bytesRead);
    const format = detectFormat(head);
    return format === 'raw' ? (foreignFile(head) ?? format) : format;
  } finally {
    await file.close();
  }
}

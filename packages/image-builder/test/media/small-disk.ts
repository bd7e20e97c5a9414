import { createCipheriv } from 'node:crypto';
import { makeSampleDisk } from '../sample-disk.ts';

/** A sample disk that is the same each time, with little in it. */
export async function makeSmallDisk(folder: string): Promise<string> {
  // Noise, always the same: what cannot be compressed.
  const zeros = Buffer.alloc(16);
  const noise = createCipheriv('aes-128-ctr', zeros, zeros).update(Buffer.alloc(3 * 1024 ** 2));
  return (await makeSampleDisk(folder, { note: 'hello\n', noise })).path;
}

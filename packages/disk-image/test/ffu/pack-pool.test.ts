import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { decompressXpress, FfuWorkerError } from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { createPackPool } from '../../src/ffu/pack-pool.ts';
import { tempFolder } from '../temp.ts';
import { sampleBytes } from './disk.ts';

const size = 131_072;

test.each([0, 1, 3])('%d threads hash and compress blocks, each its own', async (workers) => {
  const pool = createPackPool(workers);
  const kinds = ['text', 'noise', 'mixed'] as const;
  await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const plain = sampleBytes(size, kinds[index % 3] ?? 'text', index);
      const result = await pool.pack({ block: new Uint8Array(plain), packed: new Uint8Array(size) });
      expect(Buffer.from(result.digest)).toEqual(createHash('sha256').update(plain).digest());
      expect(Buffer.from(result.block).equals(plain)).toBe(true);
      if (index % 3 === 1) {
        expect(result.packedBytes).toBe(-1);
      } else {
        const output = Buffer.alloc(size);
        decompressXpress(result.packed.subarray(0, result.packedBytes), output);
        expect(output.equals(plain)).toBe(true);
      }
    }),
  );
  await pool.close();
});

test('a worker whose file is missing, and a closed pool, are typed errors', async () => {
  const slot = (): { block: Uint8Array<ArrayBuffer>; packed: Uint8Array<ArrayBuffer> } => ({
    block: new Uint8Array(size),
    packed: new Uint8Array(size),
  });
  const missing = createPackPool(1, pathToFileURL(`${await tempFolder()}/missing.js`));
  await expect(missing.pack(slot())).rejects.toThrow('pass workers: 0');
  await missing.close();
  const closed = createPackPool(1);
  await closed.close();
  await expect(closed.pack(slot())).rejects.toThrow(FfuWorkerError);
});

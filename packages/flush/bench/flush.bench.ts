import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { flushImage, hashFile, writeFileDurable } from '@osforge/flush';

const folder = mkdtempSync(join(tmpdir(), 'flush-bench-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const mebibyte = 1024 * 1024;
const imageBytes = 64 * mebibyte;

/** The system calls that durability needs, and nothing else. */
async function rawReplace(path: string, bytes: Uint8Array): Promise<void> {
  const temp = `${path}.tmp`;
  const file = await open(temp, 'w');
  await file.write(bytes);
  await file.sync();
  await file.close();
  await rename(temp, path);
  const directory = await open(join(path, '..'), 'r');
  await directory.sync();
  await directory.close();
}

for (const sizeBytes of [4096, 256 * 1024, 16 * mebibyte]) {
  test(`replace a file of ${sizeBytes} bytes`, { timeout: 300_000 }, async ({ bench }) => {
    const bytes = Buffer.alloc(sizeBytes, 'content');
    await bench.compare(
      bench('writeFileDurable', async () => {
        await writeFileDurable(join(folder, 'ours'), bytes);
      }),
      bench('floor: write+fsync+rename+fsync', () => rawReplace(join(folder, 'raw'), bytes)),
    );
  });
}

test('hash a file of 64 MiB', { timeout: 300_000 }, async ({ bench }) => {
  const path = join(folder, 'image');
  writeFileSync(path, Buffer.alloc(imageBytes, 'content'));
  await bench.compare(
    bench('hashFile', async () => {
      await hashFile(path);
    }),
    bench('peer: sha256sum', () => {
      execFileSync('sha256sum', [path]);
    }),
  );
});

test('flush an image of 64 MiB that is already clean', { timeout: 300_000 }, async ({ bench }) => {
  const path = join(folder, 'image');
  const { sha256: expected } = await hashFile(path);
  await bench.compare(
    bench('flushImage, verify against a known digest', async () => {
      await flushImage(path, { verify: { expected } });
    }),
    bench('peer: dd iflag=direct | sha256sum', () => {
      execFileSync('sh', ['-c', `dd if="$1" iflag=direct bs=1M status=none | sha256sum`, 'sh', path]);
    }),
  );
});

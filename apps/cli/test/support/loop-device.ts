import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export const mib = 1024 * 1024;

/** A loop device over a file, detached after the test; needs root. */
export function loopDevice(file: string, ...options: string[]): string {
  const device = execFileSync('losetup', [...options, '--find', '--show', file], { encoding: 'utf8' }).trim();
  onTestFinished(() => {
    execFileSync('losetup', ['--detach', device]);
  });
  return device;
}

/** A folder of its own on which a device or a kind of file system is mounted until the end of the test; needs root. */
export async function mounted(...what: string[]): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'osforge-cli-mount-'));
  execFileSync('mount', [...what, folder]);
  onTestFinished(async () => {
    execFileSync('umount', [folder]);
    await rmdir(folder);
  });
  return folder;
}

/** An image with data at its beginning, its end, and every 8 MiB. */
export async function writeImage(to: string, sizeBytes: number): Promise<string> {
  const file = await open(to, 'w');
  try {
    await file.truncate(sizeBytes);
    for (let at = 0; at < sizeBytes; at += 8 * mib) {
      const bytes = randomBytes(Math.min(2 * mib, sizeBytes - at));
      await file.write(bytes, 0, bytes.length, at);
    }
    await file.write(randomBytes(512), 0, 512, sizeBytes - 512);
  } finally {
    await file.close();
  }
  return to;
}

/** A file full of what an old disk holds. */
export async function writeOldDisk(to: string, sizeBytes: number): Promise<string> {
  await writeFile(to, Buffer.alloc(sizeBytes, 'old content '));
  return to;
}

export async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

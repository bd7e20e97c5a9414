import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

const script = path.join(import.meta.dirname, '../../../../packages/flasher/test/faults/faulty-disk.py');

/** A file that goes wrong as the flasher's script says, in a file system of its own until the end of the test; needs root. */
export async function faultyDisk(sizeBytes: number, faults: object): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'osforge-cli-faulty-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const mount = path.join(folder, 'mount');
  await mkdir(mount);
  const control = path.join(folder, 'control.json');
  await writeFile(control, JSON.stringify(faults));
  const args = [script, mount, path.join(folder, 'backing'), String(sizeBytes), control];
  const child = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    execFileSync('umount', ['--lazy', mount]);
    child.kill('SIGKILL');
    await exited;
  });
  await isMounted(mount);
  return path.join(mount, 'disk');
}

/** Waits by the kernel's own event: mountinfo becomes readable, which findmnt waits for. */
async function isMounted(folder: string): Promise<void> {
  while (!readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${folder} `)) {
    const waiter = spawn('findmnt', ['--poll=mount', '--first-only', '--timeout', '1000', folder], {
      stdio: 'ignore',
    });
    await once(waiter, 'exit');
  }
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const undo: (() => void)[] = [];

afterEach(() => {
  const errors: unknown[] = [];
  for (const step of undo.splice(0).reverse()) {
    try {
      step();
    } catch (error) {
      errors.push(error); // the other steps still have to be done
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'the test left something behind');
});

/** Runs a tool and returns what it printed; throws if it fails. */
export function tool(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** Registers a step for after the test; steps run last to first. */
export function after(step: () => void): void {
  undo.push(step);
}

/** A folder that is gone after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flush-'));
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A tmpfs of some size, unmounted after the test; needs root. */
export async function tmpfs(sizeBytes: number, options = ''): Promise<string> {
  const folder = join(scratch(), 'mnt');
  await mkdir(folder);
  tool('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}${options}`, 'flush-test', folder);
  after(() => tool('umount', folder));
  return folder;
}

/** A loop device over a file, detached after the test; needs root. */
export function loopDevice(file: string, ...options: string[]): string {
  const device = tool('losetup', ...options, '--find', '--show', file);
  after(() => tool('losetup', '--detach', device));
  return device;
}

/** Makes an ext4 without journal on a device and mounts it until after the test; needs root. */
export async function mountExt4(device: string): Promise<string> {
  tool('mkfs.ext4', '-q', '-F', '-O', '^has_journal', '-E', 'lazy_itable_init=0', device);
  const folder = join(scratch(), 'mnt');
  await mkdir(folder);
  tool('mount', device, folder);
  after(() => tool('umount', folder));
  return folder;
}

import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { inspectTarget, type TargetIdentity } from '@osforge/flasher';

const undo: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  const errors: unknown[] = [];
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      errors.push(error); // the other steps still have to be done
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'the test left something behind');
});

export const mebibyte = 1024 * 1024;

/** Runs a tool and returns what it printed; throws if it fails. */
export function tool(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** Registers a step for after the test; steps run last to first. */
export function after(step: () => void | Promise<void>): void {
  undo.push(step);
}

/** A folder that is gone after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flasher-'));
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** An image: some data at the beginning and the end and every `stride` MiB, holes between. */
export function image(folder: string, sizeBytes: number, stride = 3): string {
  const path = join(folder, 'image.raw');
  const file = openSync(path, 'w');
  truncateSync(path, sizeBytes);
  for (let at = 0; at < sizeBytes; at += stride * mebibyte)
    writeSync(file, randomBytes(Math.min(mebibyte + 4096, sizeBytes - at)), 0, undefined, at);
  const tail = Math.min(512, sizeBytes);
  writeSync(file, randomBytes(tail), 0, tail, sizeBytes - tail);
  closeSync(file);
  return path;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const sha256File = (path: string): string => sha256(readFileSync(path));

/** A file full of what an old disk holds. */
export function oldDisk(path: string, sizeBytes: number): string {
  writeFileSync(path, Buffer.alloc(sizeBytes, 'old content '));
  return path;
}

/** A loop device over a file, detached after the test; needs root. */
export function loopDevice(file: string, ...options: string[]): string {
  const device = tool('losetup', ...options, '--find', '--show', file);
  after(() => {
    tool('losetup', '--detach', device);
  });
  return device;
}

/** A tmpfs of some size, unmounted after the test; needs root. */
export function tmpfs(sizeBytes: number): string {
  const folder = join(scratch(), 'mnt');
  mkdirSync(folder);
  tool('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'flasher-test', folder);
  after(() => {
    tool('umount', folder);
  });
  return folder;
}

export const selected = async (path: string): Promise<TargetIdentity> => (await inspectTarget(path)).identity;

export interface FaultyDisk {
  readonly path: string;
  /** What goes wrong from now on; see faults/faulty-disk.py. */
  control(faults: object): void;
  /** The server is killed: every operation fails from then on. */
  vanish(): Promise<void>;
}

/** A disk that goes wrong as it is told: a file in a FUSE file system; needs root and /dev/fuse. */
export async function faultyDisk(sizeBytes: number, faults: object): Promise<FaultyDisk> {
  const folder = scratch();
  const mount = join(folder, 'mnt');
  mkdirSync(mount);
  const controlFile = join(folder, 'control.json');
  const control = (say: object): void => {
    writeFileSync(`${controlFile}.new`, JSON.stringify(say));
    tool('mv', `${controlFile}.new`, controlFile);
  };
  control(faults);
  const script = join(import.meta.dirname, 'faults/faulty-disk.py');
  const child = spawn(
    '/usr/bin/python3',
    [script, mount, join(folder, 'backing'), String(sizeBytes), controlFile],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  after(async () => {
    try {
      tool('umount', '--lazy', mount);
    } catch {
      // it vanished
    }
    child.kill('SIGKILL');
    await exited;
  });
  await mounted(mount, exited);
  return {
    path: join(mount, 'disk'),
    control,
    async vanish() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Waits by the kernel's own event: mountinfo becomes readable with POLLPRI, which findmnt waits for. */
async function mounted(folder: string, failed: Promise<unknown>): Promise<void> {
  const isThere = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${folder} `);
  if (isThere()) return;
  const waiter = spawn('findmnt', ['--poll=mount', '--first-only', '--timeout', '30000', folder], {
    stdio: 'ignore',
  });
  const ended = once(waiter, 'exit');
  if (isThere()) waiter.kill();
  await Promise.race([ended, failed]);
  waiter.kill();
  if (!isThere()) throw new Error(`${folder} was not mounted`);
}

import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * A FIFO that processes hold open for writing: it ends when the last of them is dead, which is an event.
 * Every process writes one line when it is up.
 */
export interface LifeLine {
  path: string;
  /** Resolves when this many lines have come. */
  up(count: number): Promise<void>;
  /** Resolves when no process has it open any more. */
  dead: Promise<void>;
  remove(): Promise<void>;
}

export async function openLifeLine(): Promise<LifeLine> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-process-'));
  await chmod(folder, 0o777);
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', ['-m', '666', path]);
  const lines = createInterface({ input: createReadStream(path) });
  let seen = 0;
  let notify = (): void => undefined;
  lines.on('line', () => {
    seen += 1;
    notify();
  });
  const dead = new Promise<void>((resolve) => {
    lines.once('close', resolve);
  });
  return {
    path,
    dead,
    up: (count) =>
      new Promise((resolve) => {
        notify = () => {
          if (seen >= count) resolve();
        };
        notify();
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** `sh` arguments: a process that says that it is up and then sleeps. */
export const oneProcess = (fifo: string): string[] => [
  '-c',
  'exec 8>"$1"; echo up >&8; exec sleep 1000',
  'sh',
  fifo,
];

/** `sh` arguments: four processes, of which one is an orphan in a session of its own, deaf to SIGTERM. */
export const fourProcesses = (fifo: string): string[] => [
  '-c',
  [
    'exec 8>"$1"',
    `(setsid sh -c 'trap "" TERM; echo up >&8; sleep 1000' &)`,
    `sh -c 'echo up >&8; exec sleep 1000' &`,
    'echo up >&8',
    'wait',
  ].join('\n'),
  'sh',
  fifo,
];

/** How many lines {@link fourProcesses} writes. */
export const upLines = 3;

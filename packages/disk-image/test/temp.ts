import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished, vi } from 'vitest';

// Machines that run tests are slow and busy; every test file imports this one.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** A folder that is removed after the test. */
export async function tempFolder(base: string = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(base, 'osforge-disk-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const execute = promisify(execFile);

/** Runs a reference tool; its stdout and stderr together. */
export async function tool(program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await execute(program, args, {
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C.UTF-8', PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  return stdout + stderr;
}

/** Runs a reference tool that may fail; exit code and output. */
export async function toolExit(
  program: string,
  ...args: string[]
): Promise<{ code: number; output: string }> {
  try {
    return { code: 0, output: await tool(program, ...args) };
  } catch (error) {
    // execFile rejects with these fields (Node documentation of child_process).
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

/** Small, fast, seeded: so that a failing mutation can be found again. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

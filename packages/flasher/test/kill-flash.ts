import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { flashImage, isTransientFlasherError, type FlashResult, type TargetIdentity } from '@osforge/flasher';

/** What is flashed, also by the process of flash-child.ts. */
export interface Job {
  readonly source: string;
  readonly target: TargetIdentity;
  readonly journalFolder: string;
  readonly rangeBytes?: number;
}

/** Flashes in a process that gets a SIGKILL as soon as so much is done, and waits for its end, which nothing else may be. */
export async function killFlash(job: Job, atBytes: number): Promise<void> {
  const program = join(import.meta.dirname, 'flash-child.ts');
  const child = spawn(process.execPath, ['--conditions=@osforge/source', program, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (Number(line) < atBytes) continue;
    child.kill('SIGKILL');
    break;
  }
  await exited;
  if (child.signalCode !== 'SIGKILL')
    throw new Error(`the flash was not killed, but ended with ${String(child.exitCode)}`);
}

/** The kernel kills the process that wrote at the death of its parent; until its descriptor is closed the device is busy. */
export async function flashWhenFree({ source, target, ...options }: Job): Promise<FlashResult> {
  for (let attempt = 0; ; attempt += 1) {
    const [result] = await flashImage({ source: { path: source }, targets: [target], ...options });
    if (result === undefined) throw new Error('one target, one result');
    if (result.ok || !isTransientFlasherError(result.error) || attempt === 20) return result;
  }
}

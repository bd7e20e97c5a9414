import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurable } from '@osforge/flush';
import type { AcceleratorProbe } from './probe.ts';

/** What the result depends on. */
export interface ProbeKey {
  readonly kernelRelease: string;
  readonly qemuVersion: string;
  readonly device: string;
}

type ProbeResult = Omit<AcceleratorProbe, 'cached'>;

function fileOf(cacheDir: string, key: ProbeKey): string {
  // The guest is part of the key: a better one must be run once.
  const text = JSON.stringify([1, key.kernelRelease, key.qemuVersion, key.device]);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return join(cacheDir, `accelerator-${digest}.json`);
}

/** The kept result; undefined when there is none, or none that can be read: then the probe is run again. */
export async function readProbeCache(
  cacheDir: string | undefined,
  key: ProbeKey,
): Promise<ProbeResult | undefined> {
  if (cacheDir === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(await readFile(fileOf(cacheDir, key), 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('accelerator' in value) || !('reason' in value) || typeof value.reason !== 'string')
      return undefined;
    const { accelerator, reason } = value;
    return accelerator === 'kvm' || accelerator === 'tcg' ? { accelerator, reason } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the result. A cache that cannot be written costs time at the next start and nothing else. */
export async function writeProbeCache(
  cacheDir: string | undefined,
  key: ProbeKey,
  result: ProbeResult,
): Promise<void> {
  if (cacheDir === undefined) return;
  try {
    await mkdir(cacheDir, { recursive: true });
    await writeFileDurable(fileOf(cacheDir, key), `${JSON.stringify({ ...key, ...result }, null, 2)}\n`);
  } catch {
    // See above.
  }
}

import { tmpdir } from 'node:os';
import { probeAccelerator } from '@osforge/hypervisor';
import path from 'node:path';
import { defaultCacheDirectory } from '../build/layout.ts';
import type { PreflightCheck } from '../errors.ts';
import { checkNamespaces } from './check-namespaces.ts';
import { checkPrograms, checkSpace, checkTemporary } from './checks.ts';

/** Free space that a build of a small recipe takes: disk, saved machine, artifacts. */
export const minimumFreeBytes: number = 3 * 1024 ** 3;

export interface DoctorReport {
  readonly ok: boolean;
  readonly checks: readonly PreflightCheck[];
}

/** The quick checks that every build makes before its first phase. Nothing is changed. */
export async function environmentChecks(
  outDirectory: string,
  neededBytes: number,
): Promise<PreflightCheck[]> {
  return Promise.all([
    checkPrograms(),
    checkSpace('disk space', outDirectory, neededBytes),
    checkTemporary(tmpdir()),
    checkNamespaces(),
  ]);
}

/** Looks at everything that a build needs of this machine, with a remedy for what is missing. */
export async function doctor(
  options: { outDirectory?: string; signal?: AbortSignal } = {},
): Promise<DoctorReport> {
  const checks = await environmentChecks(options.outDirectory ?? 'out', minimumFreeBytes);
  if (checks.every((check) => check.ok || check.name !== 'programs')) {
    const probe = await probeAccelerator({
      cacheDir: path.join(defaultCacheDirectory(), 'probes'),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    // Software emulation works everywhere; it is slower, which is no failure.
    checks.push({ name: 'accelerator', ok: true, detail: `${probe.accelerator}: ${probe.reason}` });
  }
  return { ok: checks.every((check) => check.ok), checks };
}

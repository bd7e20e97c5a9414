import { tmpdir } from 'node:os';
import { probeAccelerator } from '@osforge/hypervisor';
import path from 'node:path';
import { defaultCacheDirectory } from '../build/layout.ts';
import type { PreflightCheck } from '../errors.ts';
import { checkNamespaces } from './check-namespaces.ts';
import { checkKeyring, checkSources, type SourcesPlaces } from './check-sources.ts';
import { checkEachProgram, checkPrograms, checkSpace, checkTemporary, installCommand } from './checks.ts';

/** Free space that a build of a small recipe takes: disk, saved machine, artifacts. */
export const minimumFreeBytes: number = 3 * 1024 ** 3;

export interface DoctorReport {
  readonly ok: boolean;
  readonly checks: readonly PreflightCheck[];
  /** The one command, to be run as root, that installs every Debian package that is missing. */
  readonly install?: string;
}

export interface DoctorOptions extends SourcesPlaces {
  /** Folder of all builds; default `out`. */
  readonly outDirectory?: string;
  readonly signal?: AbortSignal;
}

/** The quick checks that every build makes before its first phase. Nothing is changed. */
export async function environmentChecks(
  outDirectory: string,
  neededBytes: number,
): Promise<PreflightCheck[]> {
  return Promise.all([checkPrograms(), ...placeChecks(outDirectory, neededBytes)]);
}

function placeChecks(outDirectory: string, neededBytes: number): Promise<PreflightCheck>[] {
  return [checkSpace('disk space', outDirectory, neededBytes), checkTemporary(tmpdir()), checkNamespaces()];
}

/** Looks at everything that a build needs of this machine, with a remedy for what is missing. */
export async function doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const { outDirectory = 'out', signal, ...places } = options;
  const programs = await checkEachProgram();
  const checks = [
    ...programs,
    ...(await Promise.all([
      checkKeyring(places),
      checkSources(places),
      ...placeChecks(outDirectory, minimumFreeBytes),
    ])),
  ];
  if (programs.every(({ ok }) => ok)) {
    const probe = await probeAccelerator({
      cacheDir: path.join(defaultCacheDirectory(), 'probes'),
      ...(signal === undefined ? {} : { signal }),
    });
    // Software emulation works everywhere; it is slower, which is no failure.
    const detail = `${probe.accelerator}: ${probe.reason}`;
    checks.push({
      name: 'accelerator',
      ok: true,
      detail,
      why: 'KVM makes the build machine fast; without it it is emulated',
    });
  }
  const install = installCommand(checks);
  return { ok: checks.every((check) => check.ok), checks, ...(install === undefined ? {} : { install }) };
}

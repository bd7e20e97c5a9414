import { constants } from 'node:fs';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProgramCancelledError, ProgramFailedError, ProgramTimeoutError, run } from '@osforge/process';
import { readProbeCache, writeProbeCache } from './probe-cache.ts';
import { PROBE_EXIT_CODE, probeImage } from './probe-guest.ts';

export interface ProbeAcceleratorOptions {
  /** Where the result is kept, by kernel release, QEMU version and device. Default: it is not kept. */
  readonly cacheDir?: string | undefined;
  /** Default `qemu-system-x86_64`. */
  readonly program?: string | undefined;
  /** Default `/dev/kvm`. */
  readonly device?: string | undefined;
  /** How long the guest may take under KVM; a sound one takes well below a second. Default 5000 ms. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where the test guest's folder is made meanwhile; it stays there if we are killed. Default: the system's. */
  readonly temporaryDirectory?: string | undefined;
  /** The running kernel. Default `os.release()`. */
  readonly kernelRelease?: string | undefined;
}

export interface AcceleratorProbe {
  readonly accelerator: 'kvm' | 'tcg';
  /** One sentence for a person. */
  readonly reason: string;
  /** True when the guest was not run now. */
  readonly cached: boolean;
}

/**
 * Finds out whether KVM really runs guests here, by running one: on some hosts /dev/kvm opens, a machine can be made,
 * and guests hang. Falls back to TCG and says why.
 * @throws ProgramMissingError, ProgramCancelledError of `@osforge/process`
 */
export async function probeAccelerator(options: ProbeAcceleratorOptions = {}): Promise<AcceleratorProbe> {
  const { program = 'qemu-system-x86_64', device = '/dev/kvm', cacheDir, signal } = options;
  const denied = await access(device, constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );
  // Cheap to see and soon changed (a group, a module): not kept.
  if (denied === 'ENOENT') return { accelerator: 'tcg', reason: `${device} does not exist.`, cached: false };
  if (denied !== undefined) {
    return { accelerator: 'tcg', reason: `${device} cannot be opened (${denied}).`, cached: false };
  }
  const version = await run(program, ['--version'], { timeoutMs: 30_000, signal });
  const key = {
    kernelRelease: options.kernelRelease ?? release(),
    qemuVersion: version.stdout.split('\n')[0] ?? '',
    device,
  };
  const kept = await readProbeCache(cacheDir, key);
  if (kept !== undefined) return { ...kept, cached: true };
  const found = await runProbeGuest({
    program,
    timeoutMs: options.timeoutMs ?? 5000,
    temporaryDirectory: options.temporaryDirectory ?? tmpdir(),
    signal,
  });
  await writeProbeCache(cacheDir, key, found);
  return { ...found, cached: false };
}

async function runProbeGuest(guest: {
  program: string;
  timeoutMs: number;
  temporaryDirectory: string;
  signal: AbortSignal | undefined;
}): Promise<Omit<AcceleratorProbe, 'cached'>> {
  const { program, timeoutMs, temporaryDirectory, signal } = guest;
  const folder = await mkdtemp(join(temporaryDirectory, 'osforge-probe-'));
  try {
    const image = join(folder, 'probe.raw');
    await writeFile(image, probeImage());
    const args = [
      ...['-machine', 'q35', '-accel', 'kvm', '-cpu', 'host', '-m', '64M'],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-device', 'isa-debug-exit,iobase=0x501,iosize=0x4'],
      ...[
        '-blockdev',
        JSON.stringify({ driver: 'raw', 'node-name': 'd', file: { driver: 'file', filename: image } }),
      ],
      ...['-device', 'virtio-blk-pci,drive=d,bootindex=1'],
    ];
    await run(program, args, { timeoutMs, signal, killAfterMs: 500, allowedExitCodes: [PROBE_EXIT_CODE] });
    return { accelerator: 'kvm', reason: 'A test guest ran to its end under KVM.' };
  } catch (error) {
    if (error instanceof ProgramCancelledError) throw error;
    if (error instanceof ProgramTimeoutError) {
      return { accelerator: 'tcg', reason: `KVM opens, but a test guest hung in it for ${timeoutMs} ms.` };
    }
    if (error instanceof ProgramFailedError) {
      return { accelerator: 'tcg', reason: `KVM opens, but a test guest died in it: ${error.message}` };
    }
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

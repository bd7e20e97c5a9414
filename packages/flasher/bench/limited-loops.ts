import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectTarget, type TargetIdentity } from '@osforge/flasher';

/** Version 1 of control groups; Debian 12 itself has version 2, where the root group takes no limits. */
const limits = '/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device';

export const canLimit: boolean = existsSync(limits);

const tool = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8' }).trim();

export interface Loops {
  readonly devices: readonly string[];
  identities(): Promise<TargetIdentity[]>;
  /** Bytes that may be written to a device in a second; 0 for no limit. */
  limit(device: string, bytesPerSecond: number): void;
  remove(): void;
}

/** Loop devices over files in memory, so that the disk of this machine is not what is measured. Needs root. */
export function makeLoops(count: number, sizeBytes: number): Loops {
  const folder = mkdtempSync('/dev/shm/flasher-bench-');
  const devices = Array.from({ length: count }, (_, index) => {
    const file = join(folder, String(index));
    tool('truncate', `--size=${sizeBytes}`, file);
    return tool('losetup', '--find', '--show', file);
  });
  const limit = (device: string, bytesPerSecond: number): void => {
    if (canLimit) writeFileSync(limits, `${tool('stat', '--format=%Hr:%Lr', device)} ${bytesPerSecond}`);
  };
  return {
    devices,
    limit,
    identities: () => Promise.all(devices.map(async (device) => (await inspectTarget(device)).identity)),
    remove() {
      for (const device of devices) {
        limit(device, 0);
        tool('losetup', '--detach', device);
      }
      rmSync(folder, { recursive: true });
    },
  };
}

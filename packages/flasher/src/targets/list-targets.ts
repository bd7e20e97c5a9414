import { join } from 'node:path';
import { inspectTarget, type InspectOptions, type TargetInfo } from './inspect-target.ts';
import { namesIn, systemPaths } from './system-paths.ts';

/**
 * Every whole disk with a medium, in the order of their names; also those that must not be written to, with the reason
 * in `problems`. One odd drive does not hide the others. Not polled: list again when a hotplug event says so.
 */
export async function listTargets(options: InspectOptions = {}): Promise<TargetInfo[]> {
  const { paths = systemPaths } = options;
  const names = await namesIn(paths.sys, 'block');
  // sysfs writes `!` where the name of a device has a slash.
  const found = await Promise.all(
    names.map((name) => inspectTarget(join(paths.dev, name.replaceAll('!', '/')), options)),
  );
  return found.filter(({ identity }) => identity.kind === 'disk' && identity.sizeBytes > 0);
}

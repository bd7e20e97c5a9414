import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { untilStopped } from '../host/until-stopped.ts';
import { type DiskSizeFlags, diskSizeLimits, withinDiskSize } from './disk-size-limit.ts';
import { type DiskFlags, nameDisk, withItsDisk } from './image-disk.ts';
import { inspectLines } from './inspect-lines.ts';
import { namedImage } from './named-image.ts';

/** Says what an image is and what is on it. */
export async function inspect(
  image: string,
  flags: DiskSizeFlags & DiskFlags & { readonly hash?: true; readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  const file = await namedImage(image, host.cwd);
  const { inspectImage } = await import('@osforge/disk-image');
  return untilStopped(host, async (signal) => {
    const disk = flags.disk === undefined ? {} : { disk: flags.disk };
    const options = { signal, hash: flags.hash ?? false, ...disk, ...(await diskSizeLimits(flags)) };
    const work = withItsDisk(inspectImage(file, options), nameDisk);
    const report = { ...(await withinDiskSize(work)), path: image };
    const text = flags.json ? JSON.stringify(report, undefined, 2) : inspectLines(report).join('\n');
    host.stdout.write(`${text}\n`);
    return exitCode.done;
  });
}

import path from 'node:path';
import type { ConvertAnyReport } from '@osforge/disk-image';
import { codeOf } from '../errors/error-chain.ts';
import { UsageError } from '../errors/usage-error.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { untilStopped } from '../host/until-stopped.ts';
import { canDraw } from '../report/display.ts';
import { formatSize } from '../text/size.ts';
import { type DiskSizeFlags, diskSizeLimits, withinDiskSize } from './disk-size-limit.ts';
import { type DiskFlags, nameDisk, withItsDisk } from './image-disk.ts';
import { namedImage } from './named-image.ts';

export interface ConvertFlags extends DiskSizeFlags, DiskFlags {
  readonly force?: true;
  readonly compress?: true;
  readonly json?: true;
}

/** Converts an image into the format of the target's extension. */
export async function convert(
  source: string,
  target: string,
  flags: ConvertFlags,
  host: Host,
): Promise<ExitCode> {
  if (target === '') throw new UsageError('the name of the target is empty; name a file');
  const from = await namedImage(source, host.cwd);
  const { convertAny, targetFormat } = await import('@osforge/disk-image');
  if (flags.compress && targetFormat(target) !== 'ffu')
    throw new UsageError(
      `--compress is for FFU, which ${target} is not: end its name in .ffu, or leave it out`,
    );
  return untilStopped(host, async (signal) => {
    const progress = progressLine(host);
    let report: ConvertAnyReport;
    try {
      const work = convertAny({
        source: from,
        target: path.resolve(host.cwd, target),
        overwrite: flags.force ?? false,
        compress: flags.compress ?? false,
        onProgress: progress.show,
        signal,
        ...(flags.disk === undefined ? {} : { disk: flags.disk }),
        ...(await diskSizeLimits(flags)),
      });
      report = await withinDiskSize(withItsDisk(work, nameDisk));
    } catch (error) {
      if (codeOf(error) === 'DISK_IMAGE_EXISTS')
        throw new UsageError(`${target} exists already: remove it, or add --force`, { cause: error });
      if (codeOf(error) === 'ENOENT')
        throw new UsageError(`${target}: its folder does not exist`, { cause: error });
      throw error;
    } finally {
      progress.end();
    }
    const { format, fileBytes, sourceFormat, allocatedBytes } = report;
    host.stdout.write(
      flags.json
        ? `${JSON.stringify({ ...report, source, target }, undefined, 2)}\n`
        : `${target}: ${format} from ${sourceFormat}, ${formatSize(fileBytes)}, occupies ${formatSize(allocatedBytes)}\n`,
    );
    return exitCode.done;
  });
}

/** One line on standard error that is written over itself; nothing where that is no terminal. */
function progressLine(host: Host): { show: (fraction: number) => void; end: () => void } {
  let shown = -1;
  const draws = canDraw(host.env, host.stderr.isTTY);
  return {
    show: (fraction) => {
      const percent = Math.floor(100 * fraction);
      if (!draws || percent === shown) return;
      shown = percent;
      host.stderr.write(`\r${String(percent).padStart(3)} %`);
    },
    end: () => {
      if (shown >= 0) host.stderr.write('\r     \r');
    },
  };
}

import type { FileDifference, ImageDifference, PartitionDifference } from '@osforge/disk-image';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { exitCodeOf } from '../errors/exit-code-of.ts';
import type { Host } from '../host/host.ts';
import { untilStopped } from '../host/until-stopped.ts';
import { reportError } from '../report/report-error.ts';
import { cleanLine } from '../text/clean-text.ts';
import { type DiskSizeFlags, diskSizeLimits, withinDiskSize } from './disk-size-limit.ts';
import { withItsDisk } from './image-disk.ts';
import { namedImage } from './named-image.ts';

const takeOut =
  'take the one to be compared out of it first (osforge convert <image> <target> --disk <number>)';

/** Says what differs between two images. As diff(1): 0 equal, 1 different, 2 trouble. */
export async function diff(
  before: string,
  after: string,
  flags: DiskSizeFlags & { readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  const a = await namedImage(before, host.cwd);
  const b = await namedImage(after, host.cwd);
  const { diffImages } = await import('@osforge/disk-image');
  return untilStopped(host, async (signal) => {
    let difference: ImageDifference;
    try {
      const work = diffImages(a, b, { signal, ...(await diskSizeLimits(flags)) });
      difference = await withinDiskSize(withItsDisk(work, () => takeOut));
    } catch (error) {
      signal.throwIfAborted();
      await reportError(error, host);
      const code = exitCodeOf(error);
      return code === exitCode.failed ? exitCode.usage : code;
    }
    const text = flags.json
      ? JSON.stringify({ before, after, ...difference }, undefined, 2)
      : describe(difference).join('\n');
    host.stdout.write(`${text}\n`);
    return difference.equal ? exitCode.done : exitCode.failed;
  });
}

function describe({ equal, disk, partitions, firstDifferenceAt }: ImageDifference): string[] {
  if (equal) return ['The disks are equal.'];
  const lines = disk.map(({ what, before, after }) => `disk: ${what} ${before} → ${after}`);
  if (firstDifferenceAt !== undefined)
    lines.push(`disk: bytes outside of partitions differ, the first at byte ${firstDifferenceAt}`);
  return [...lines, ...partitions.flatMap(describePartition)];
}

function describePartition(partition: PartitionDifference): string[] {
  const { number, name, kind, facts, contentDiffers, firstDifferenceAt, files, fileCounts, problem } =
    partition;
  const title = `partition ${number}${name === '' ? '' : ` (${cleanLine(name)})`}`;
  if (kind !== 'changed') return [`${title}: ${kind}`];
  const lines = facts.map(
    ({ what, before, after }) => `${title}: ${what} ${cleanLine(before)} → ${cleanLine(after)}`,
  );
  if (contentDiffers === true) {
    const place = firstDifferenceAt === undefined ? '' : `, the first at byte ${firstDifferenceAt} of it`;
    const counts =
      fileCounts === undefined
        ? ''
        : `; files: ${fileCounts.added} added, ${fileCounts.removed} removed, ${fileCounts.changed} changed`;
    lines.push(`${title}: bytes differ${place}${counts}`);
  }
  if (problem !== undefined) lines.push(`${title}: ${cleanLine(problem)}`);
  lines.push(...(files ?? []).map(describeFile));
  const total = fileCounts === undefined ? 0 : fileCounts.added + fileCounts.removed + fileCounts.changed;
  const left = total - (files?.length ?? 0);
  if (left > 0) lines.push(`  … and ${left} more`);
  return lines;
}

function describeFile({ kind, path, fields }: FileDifference): string {
  const mark = kind === 'added' ? '+' : kind === 'removed' ? '-' : '~';
  return `  ${mark} ${cleanLine(path)}${fields.length === 0 ? '' : ` (${fields.join(', ')})`}`;
}

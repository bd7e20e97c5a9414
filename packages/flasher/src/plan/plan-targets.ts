import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TargetProblem } from '../errors.ts';
import { targetProblems } from '../targets/check-target.ts';
import { confirmationOf, type TargetConfirmation } from '../targets/confirmation.ts';
import { inspectTarget, type TargetInfo } from '../targets/inspect-target.ts';
import { systemPaths, type SystemPaths } from '../targets/system-paths.ts';

/** A target as it was chosen. */
export interface PlannedTarget {
  /** As it was named. */
  readonly id: string;
  readonly info: TargetInfo;
  readonly confirmation: TargetConfirmation;
  /** False for a file that is not there yet: nothing is lost by writing it. */
  readonly exists: boolean;
  /** Why it must not be written to; empty for a good one. */
  readonly problems: readonly TargetProblem[];
}

export interface PlanTargetsOptions {
  /** The image, whose place is no target; undefined if it is not there yet. */
  readonly imagePath: string | undefined;
  readonly imageSizeBytes: number | undefined;
  /** The sectors that the image is made for; default: not known, and not compared. */
  readonly imageSectorBytes?: number | undefined;
  readonly allowPartition?: boolean | undefined;
  readonly paths?: SystemPaths | undefined;
}

/** Looks at the targets that were named. Nothing is opened, and nothing thrown because of one of them. */
export async function planTargets(
  names: readonly string[],
  options: PlanTargetsOptions,
): Promise<PlannedTarget[]> {
  const { allowPartition, paths = systemPaths } = options;
  const earlier = new Map<string, string>();
  const planned: PlannedTarget[] = [];
  for (const id of names) {
    const info = await inspectTarget(id, { allowPartition, paths });
    const { identity } = info;
    const problems = targetProblems(info, options.imageSizeBytes, options.imageSectorBytes);
    const key = identity.deviceNumber ?? identity.inode ?? identity.path;
    const first = earlier.get(key);
    if (first !== undefined)
      problems.push({ kind: 'duplicate', detail: `it is the same as ${first}, which is named before` });
    else earlier.set(key, id);
    if (await holdsImage(info, options.imagePath))
      problems.push({ kind: 'holds-source', detail: 'it holds the image itself' });
    if (problems.length === 0) problems.push(...(await permission(info)));
    planned.push({ id, info, confirmation: confirmationOf(info), exists: existsNow(info), problems });
  }
  return planned;
}

function existsNow({ identity }: TargetInfo): boolean {
  return identity.kind !== 'file' || identity.inode !== undefined;
}

/** The target is the image, or a loop device over it. A disk whose file system has the image is mounted. */
async function holdsImage({ identity }: TargetInfo, image: string | undefined): Promise<boolean> {
  if (image === undefined) return false;
  const of = await stat(image, { bigint: true }).catch(() => undefined);
  if (of === undefined) return false;
  if (of.isBlockDevice()) {
    const target = await stat(identity.path, { bigint: true }).catch(() => undefined);
    return target?.isBlockDevice() === true && target.rdev === of.rdev;
  }
  const inode = `${of.dev}:${of.ino}`;
  if (identity.inode === inode) return true;
  if (identity.backingFile === undefined) return false;
  const backing = await stat(identity.backingFile, { bigint: true }).catch(() => undefined);
  return backing !== undefined && `${backing.dev}:${backing.ino}` === inode;
}

async function permission(info: TargetInfo): Promise<TargetProblem[]> {
  const { path } = info.identity;
  const [place, mode] = existsNow(info)
    ? [path, constants.R_OK | constants.W_OK]
    : [dirname(path), constants.W_OK | constants.X_OK];
  try {
    await access(place, mode);
    return [];
  } catch {
    const detail = place === path ? 'you may not write to it' : `you may not make files in ${place}`;
    return [{ kind: 'unreadable', detail }];
  }
}

import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { cleanLine } from '../text/clean-text.ts';
import { checkOutDirectory } from './out-directory.ts';

/** Removes what a killed run left; with `--all` the whole build. */
export async function buildsClean(
  buildId: string,
  flags: { readonly out: string; readonly all?: true; readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  await checkOutDirectory(flags.out, host.cwd);
  const { cleanBuild } = await import('@osforge/image-builder');
  const report = await cleanBuild(flags.out, buildId, { all: flags.all ?? false });
  const left = report.failed.length + report.unknown.length + report.blocked.length;
  if (flags.json) {
    const failed = report.failed.map(({ entry, error }) => ({ entry, message: messageOf(error) }));
    host.stdout.write(`${JSON.stringify({ ...report, failed }, undefined, 2)}\n`);
  } else {
    const removed = report.cleaned.length + report.absent.length;
    for (const { resourceType, resourceId } of report.cleaned) {
      host.stdout.write(`removed ${resourceType} ${cleanLine(resourceId)}\n`);
    }
    host.stdout.write(
      flags.all && left === 0
        ? `Build ${buildId} is removed.\n`
        : removed === 0 && left === 0
          ? `Build ${buildId} has nothing left over.\n`
          : `${removed} removed, ${left} left.\n`,
    );
  }
  for (const { entry, error } of report.failed) {
    host.stderr.write(`error: ${cleanLine(entry.resourceId)}: ${cleanLine(messageOf(error))}\n`);
  }
  for (const { resourceType, resourceId } of report.unknown) {
    host.stderr.write(
      `error: ${cleanLine(resourceId)}: this release does not know how to remove "${cleanLine(resourceType)}"\n`,
    );
  }
  for (const { entry, by } of report.blocked) {
    host.stderr.write(
      `error: ${cleanLine(entry.resourceId)}: kept, because ${cleanLine(by.resourceId)} is still in it\n`,
    );
  }
  return left === 0 ? exitCode.done : exitCode.failed;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

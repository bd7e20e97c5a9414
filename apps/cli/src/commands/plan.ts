import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { load } from '../recipe/load.ts';
import { cleanLine } from '../text/clean-text.ts';
import { formatTable } from '../text/table.ts';
import { shortPath } from '../view/summary-lines.ts';
import { checkBuildId } from './check-build-id.ts';
import { checkOutDirectory } from './out-directory.ts';

export interface PlanFlags {
  readonly out: string;
  readonly buildId?: string;
  readonly fresh?: true;
  readonly verify?: true;
  readonly json?: true;
}

/** Says what a build would do. Changes nothing. */
export async function plan(named: string | undefined, flags: PlanFlags, host: Host): Promise<ExitCode> {
  checkBuildId(flags.buildId);
  await checkOutDirectory(flags.out, host.cwd);
  const loaded = await load(named, host);
  const { planBuild } = await import('@osforge/image-builder');
  const build = await planBuild(loaded, {
    outDirectory: flags.out,
    ...(flags.buildId === undefined ? {} : { buildId: flags.buildId }),
    fresh: flags.fresh ?? false,
    verify: flags.verify ?? false,
  });
  if (flags.json) {
    host.stdout.write(`${JSON.stringify(build, undefined, 2)}\n`);
    return exitCode.done;
  }
  const running = build.phases.filter(({ action }) => action === 'run').length;
  const rows = build.phases.map(({ name, action, reason }) => [name, action, cleanLine(reason)]);
  const lines = [
    `Build ${build.buildId} in ${shortPath(build.directory, host.cwd)}`,
    '',
    ...formatTable([['PHASE', 'ACTION', 'REASON'], ...rows]),
    '',
    running === 0 ? 'Nothing to do.' : `${running} of ${build.phases.length} phases would run.`,
  ];
  host.stdout.write(`${lines.join('\n')}\n`);
  return exitCode.done;
}

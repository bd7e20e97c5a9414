import type { BuildSummary } from '@osforge/image-builder';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { cleanLine } from '../text/clean-text.ts';
import { formatTable } from '../text/table.ts';
import { checkOutDirectory } from './out-directory.ts';

/** Lists the builds below an output folder. */
export async function buildsList(
  flags: { readonly out: string; readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  await checkOutDirectory(flags.out, host.cwd);
  const { listBuilds } = await import('@osforge/image-builder');
  const builds = await listBuilds(flags.out);
  if (flags.json) host.stdout.write(`${JSON.stringify(builds, undefined, 2)}\n`);
  else if (builds.length === 0) host.stdout.write(`There are no builds in ${flags.out}.\n`);
  else {
    const head = ['BUILD', 'STATE', 'DONE', 'UPDATED', 'NEXT PHASE', 'NOTE'];
    host.stdout.write(`${formatTable([head, ...builds.map(row)]).join('\n')}\n`);
  }
  return exitCode.done;
}

function row({
  buildId,
  state,
  percentComplete,
  updatedAt,
  nextPhase,
  leftovers,
  problem,
}: BuildSummary): string[] {
  const left = leftovers > 0 ? `${leftovers} left over: osforge builds clean ${buildId}` : '';
  return [
    buildId,
    state,
    `${Math.floor(percentComplete)} %`,
    updatedAt?.slice(0, 19).replace('T', ' ') ?? '-',
    nextPhase ?? '-',
    cleanLine(problem ?? (state === 'running' ? '' : left)),
  ];
}

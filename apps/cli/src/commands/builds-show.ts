import type { BuildDetails } from '@osforge/image-builder';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { cleanLine } from '../text/clean-text.ts';
import { formatDuration } from '../text/duration.ts';
import { formatSize } from '../text/size.ts';
import { formatTable } from '../text/table.ts';
import { shortPath } from '../view/summary-lines.ts';
import { checkOutDirectory } from './out-directory.ts';

/** Shows one build: state, phases, artifacts, what a killed run left. */
export async function buildsShow(
  buildId: string,
  flags: { readonly out: string; readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  await checkOutDirectory(flags.out, host.cwd);
  const { phaseNames, showBuild } = await import('@osforge/image-builder');
  const build = await showBuild(flags.out, buildId);
  const text = flags.json
    ? JSON.stringify(build, undefined, 2)
    : describe(build, phaseNames, host.cwd).join('\n');
  host.stdout.write(`${text}\n`);
  return exitCode.done;
}

function describe(build: BuildDetails, phaseNames: readonly string[], cwd: string): string[] {
  const { record, owner, artifacts, problem } = build;
  const facts = [
    ['build', build.buildId],
    ['folder', shortPath(build.directory, cwd)],
    ['state', `${build.state}, ${Math.floor(build.percentComplete)} %`],
    ...(build.updatedAt === undefined ? [] : [['updated', build.updatedAt]]),
    ...(owner?.alive === true
      ? [['held by', `process ${owner.pid} on ${owner.host} since ${owner.since}`]]
      : []),
    ...(problem === undefined ? [] : [['problem', cleanLine(problem)]]),
  ];
  const phases = phaseNames.map((name) => {
    const phase = record?.phases[name];
    if (phase === undefined) return [name, '-', '', ''];
    return [name, phase.state, formatDuration(phase.durationMs), cleanLine(phase.reason ?? '')];
  });
  return [
    ...formatTable(facts),
    ...(record === undefined ? [] : ['', ...formatTable([['PHASE', 'STATE', 'TOOK', 'REASON'], ...phases])]),
    ...section(
      'Artifacts:',
      artifacts.map(({ path, sizeBytes, sha256 }) => [path, formatSize(sizeBytes), sha256]),
    ),
    ...section(
      `Left over (osforge builds clean ${build.buildId} removes it):`,
      (record?.ledger ?? []).map(({ resourceType, resourceId }) => [resourceType, cleanLine(resourceId)]),
    ),
  ];
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', title, ...formatTable(rows).map((line) => `  ${line}`)];
}

import type { LoadedRecipe, StartBuildOptions } from '@osforge/image-builder';
import type { Host } from '../host/host.ts';

/** Whether there is somebody to ask. Questions go to standard error: standard output may be a pipe with `--json`. */
export function canAsk(host: Pick<Host, 'stdinIsTTY' | 'stderr'>): boolean {
  return host.stdinIsTTY && host.stderr.isTTY;
}

/** Asks whether an interrupted build is to be continued; without one there is nothing to ask. */
export async function askResume(
  loaded: LoadedRecipe,
  options: StartBuildOptions,
): Promise<'resume' | 'fresh' | 'cancel'> {
  const phase = await interruptedAt(loaded, options);
  if (phase === undefined) return 'resume';
  const { select, isCancel } = await import('@clack/prompts');
  const answer = await select<'resume' | 'fresh'>({
    message: `Found interrupted build. Resume from ${phase}?`,
    options: [
      { value: 'resume', label: 'Resume', hint: 'finished phases are reused where nothing changed' },
      { value: 'fresh', label: 'Start fresh', hint: 'every phase runs again' },
    ],
    output: process.stderr,
  });
  return isCancel(answer) ? 'cancel' : answer;
}

/** The phase that an interrupted build would continue with; undefined where no build was interrupted. */
async function interruptedAt(loaded: LoadedRecipe, options: StartBuildOptions): Promise<string | undefined> {
  const { listBuilds, planBuild } = await import('@osforge/image-builder');
  const buildId = options.buildId ?? loaded.recipe.name;
  const known = (await listBuilds(options.outDirectory)).find((build) => build.buildId === buildId);
  if (known?.state !== 'incomplete') return undefined;
  const { phases } = await planBuild(loaded, options);
  if (!phases.some(({ action }) => action === 'reuse')) return undefined;
  return phases.find(({ action }) => action === 'run')?.name;
}

/** Asks what to do with what a failed build left. No answer keeps it. */
export async function askAboutFailure(entries: number, signal: AbortSignal): Promise<'cleanup' | 'keep'> {
  const { confirm } = await import('@clack/prompts');
  const answer = await confirm({
    message: `The build failed. Remove what its last phase has left (${entries === 1 ? 'an intermediate file' : `${entries} intermediate files`})?`,
    initialValue: false,
    output: process.stderr,
    signal,
  });
  return answer === true ? 'cleanup' : 'keep';
}

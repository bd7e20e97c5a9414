import type { BuildResult, LoadedRecipe, StartBuildOptions } from '@osforge/image-builder';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { exitCodeOf } from '../errors/exit-code-of.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Host } from '../host/host.ts';
import { createStopControl } from '../host/stop-control.ts';
import type { BuildMetrics, MetricsContext, MetricsFlags } from '../metrics/build-metrics.ts';
import { load } from '../recipe/load.ts';
import { chooseReporter } from '../report/choose-reporter.ts';
import { openEventsFile, type EventsFile } from '../report/events-file.ts';
import type { Reporter } from '../report/reporter.ts';
import { reportError } from '../report/report-error.ts';
import { askAboutFailure, askResume, canAsk } from './ask.ts';
import { checkBuildId } from './check-build-id.ts';
import { prepareOutDirectory } from './out-directory.ts';

export interface BuildImageFlags extends MetricsFlags {
  readonly out: string;
  readonly buildId?: string;
  readonly fresh?: true;
  readonly yes?: true;
  readonly onError: 'cleanup' | 'keep' | 'ask';
  readonly ask?: true;
  readonly verify?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly events?: string;
}

/** Builds an image, or continues its build. */
export async function buildImage(
  named: string | undefined,
  flags: BuildImageFlags,
  host: Host,
): Promise<ExitCode> {
  checkQuestions(flags, host);
  checkBuildId(flags.buildId);
  const loaded = await load(named, host);
  const outDirectory = await prepareOutDirectory(flags.out, host.cwd);
  const reporter = await chooseReporter(flags, host);
  const events = flags.events === undefined ? undefined : await openEventsFile(flags.events, reporter.note);
  let metrics: BuildMetrics | undefined;
  try {
    const buildId = flags.buildId ?? loaded.recipe.name;
    metrics = await openMetrics(flags, { buildId, outDirectory, note: reporter.note });
    const observers: Observers = { reporter, events, metrics };
    const options: StartBuildOptions = {
      outDirectory,
      ...(flags.buildId === undefined ? {} : { buildId: flags.buildId }),
      fresh: flags.fresh ?? false,
      verify: flags.verify ?? false,
    };
    if (flags.ask && !flags.yes) {
      const answer = await askResume(loaded, options);
      if (answer === 'cancel') {
        reporter.note('Cancelled; nothing was started.');
        return exitCode.cancelled;
      }
      return await build(loaded, { ...options, fresh: answer === 'fresh' }, flags, host, observers);
    }
    return await build(loaded, options, flags, host, observers);
  } finally {
    await Promise.all([events?.close(), metrics?.close()]);
  }
}

/** Loaded only where it is asked for. */
async function openMetrics(flags: MetricsFlags, context: MetricsContext): Promise<BuildMetrics | undefined> {
  const { metricsFile, metricsPort, metricsHost } = flags;
  if (metricsFile === undefined && metricsPort === undefined && metricsHost === undefined) return undefined;
  return (await import('../metrics/build-metrics.ts')).openBuildMetrics(flags, context);
}

/** Who is told of what happens. */
interface Observers {
  readonly reporter: Reporter;
  readonly events: EventsFile | undefined;
  readonly metrics: BuildMetrics | undefined;
}

async function build(
  loaded: LoadedRecipe,
  options: StartBuildOptions,
  flags: BuildImageFlags,
  host: Host,
  { reporter, events, metrics }: Observers,
): Promise<ExitCode> {
  const { startBuild } = await import('@osforge/image-builder');
  const stop = createStopControl(host, reporter.note);
  let result: BuildResult | undefined;
  try {
    const started = await startBuild(loaded, {
      ...options,
      signal: stop.signal,
      abortNow: stop.abortNow,
      onError: flags.onError,
      ...confirmation(flags, host, reporter),
      ask: async ({ entries, signal }) => {
        if (flags.yes) return 'keep';
        const resume = reporter.pause();
        try {
          return await askAboutFailure(entries.length, signal);
        } finally {
          resume();
        }
      },
    }).catch((error: unknown) => {
      metrics?.notStarted();
      throw error;
    });
    // The build does not stop because nobody reads on: it is made for its image, not for its output.
    const forget = host.stdout.onBroken(({ message }) => {
      if (stop.signal.aborted) return;
      reporter.note(
        `Standard output cannot be written any more (${message}). The build goes on: ` +
          `follow it in ${started.directory}/.osforge/events.ndjson, or end it with kill -INT ${process.pid}`,
      );
    });
    started.bus.events$.subscribe((event) => {
      events?.event(event);
      metrics?.event(event);
      reporter.event(event);
    });
    result = await started.result;
    forget();
  } finally {
    stop.close();
    reporter.end(result);
  }
  return conclude(result, host);
}

/** Without a terminal and without --yes there is nobody to ask: a build that would write to targets says so. */
function confirmation(
  { yes }: BuildImageFlags,
  host: Host,
  reporter: Reporter,
): Pick<StartBuildOptions, 'confirmTargets'> {
  if (yes) return { confirmTargets: () => true };
  if (!canAsk(host)) return {};
  return {
    confirmTargets: async ({ targets, signal }) => {
      const resume = reporter.pause();
      try {
        return await (await import('../flash/confirm-targets.ts')).confirmTargets(targets, signal);
      } finally {
        resume();
      }
    },
  };
}

async function conclude(result: BuildResult, host: Host): Promise<ExitCode> {
  switch (result.outcome) {
    case 'completed':
    case 'unchanged':
      return exitCode.done;
    case 'cancelled':
      host.stderr.write(
        `Cancelled. ${result.ran.length + result.reused.length} phases are done and kept; the same command continues there.\n`,
      );
      return exitCode.cancelled;
    case 'failed':
      await reportError(result.error, host);
      host.stderr.write(
        `The build's journal: ${result.directory}/.osforge/events.ndjson. ` +
          'What is finished is kept; after the cause is gone, the same command continues there.\n',
      );
      return exitCodeOf(result.error);
  }
}

function checkQuestions(flags: BuildImageFlags, host: Host): void {
  if (flags.yes || canAsk(host)) return;
  if (flags.ask) {
    throw new UsageError(
      '--ask needs a terminal for its question; without one, add --yes to resume or --fresh instead',
    );
  }
  if (flags.onError === 'ask') {
    throw new UsageError('--on-error ask needs a terminal for its question; choose cleanup or keep');
  }
}

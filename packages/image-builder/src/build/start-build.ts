import {
  BUILD_ID_PATTERN,
  CheckpointBuildIdError,
  openCheckpoint,
  type BuildRecord,
  type Checkpoint,
} from '@osforge/checkpoint';
import { createEventBus, openJournal, type EventBus, type Journal } from '@osforge/event-bus';
import {
  planPipeline,
  runPipeline,
  type Phase,
  type PipelineResult,
  type RunPipelineOptions,
} from '@osforge/pipeline';
import { buildPhases } from '../phases/index.ts';
import { checkedFirst } from './checked-first.ts';
import { prepareOutputFolder } from './output-folder.ts';
import { withSpaceErrors } from './space-errors.ts';
import type { LoadedRecipe } from '../recipe/load-recipe.ts';
import type { BuildEnvironment } from './environment.ts';
import type { BuildEvents } from './events.ts';
import { failureHandlers } from './failure-handlers.ts';
import { ledgerHandlers } from './ledger-handlers.ts';
import { openEnvironment, type BuildOptions } from './open-environment.ts';
import { forgetUnplanned } from './forget-unplanned.ts';
import { forgetAbsent, removeLeftovers } from './leftovers.ts';
import { chooseUsbTargets, type UsbQuestion } from '../usb/choose-targets.ts';
import { UsbDeclinedError } from '../usb/errors.ts';
import { removeDroppedMedia } from '../media/remove-dropped.ts';

export interface StartBuildOptions
  extends BuildOptions, Pick<RunPipelineOptions, 'onError' | 'ask' | 'signal' | 'abortNow' | 'fresh'> {
  /** Hash every artifact again instead of trusting size, times and inode; default false. */
  readonly verify?: boolean;
  /**
   * Asked before anything runs whether the targets of the recipe's `usb` may be overwritten; false ends the build as
   * cancelled. Without it a build that would write to targets fails with UsbNotConfirmedError.
   */
  readonly confirmTargets?: (question: UsbQuestion) => Promise<boolean> | boolean;
}

/** A file that a build leaves for the user. */
export interface BuiltFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface BuildResult {
  readonly outcome: 'completed' | 'unchanged' | 'failed' | 'cancelled';
  readonly buildId: string;
  readonly directory: string;
  readonly artifacts: readonly BuiltFile[];
  readonly durationMs: number;
  readonly ran: readonly string[];
  readonly reused: readonly string[];
  readonly skipped: readonly string[];
  /** Why it failed or was cancelled. */
  readonly error?: Error;
}

export interface Build {
  readonly buildId: string;
  readonly directory: string;
  /** Everything that happens, also for late subscribers; closed when the build has ended. */
  readonly bus: EventBus<BuildEvents>;
  /** Never rejects: a failure is a result. */
  readonly result: Promise<BuildResult>;
}

/** Files that the user gets, as the record has them. */
export function builtFiles(record: BuildRecord): BuiltFile[] {
  return Object.values(record.phases).flatMap(({ artifacts }) =>
    artifacts
      .filter(({ retention, released }) => retention === 'output' && released !== true)
      .map(({ name, path, sizeBytes, sha256 }) => ({ name, path, sizeBytes, sha256 })),
  );
}

/**
 * Builds an image, or continues the build that has its id. Takes the build's lock before anything else.
 * @throws CheckpointBuildIdError; PreflightError where its folder cannot be used, CheckpointLockedError where another process builds this id,
 * CheckpointNewerVersionError, CheckpointIoError, SourceDateEpochError: before anything has started
 */
export async function startBuild(loaded: LoadedRecipe, options: StartBuildOptions): Promise<Build> {
  const bus = createEventBus<BuildEvents>({
    buildId: options.buildId ?? loaded.recipe.name,
    replaySize: 4096,
  });
  const environment = await openEnvironment(loaded, options, bus);
  const { layout } = environment;
  // It becomes part of paths: checked before the first folder is made.
  if (!BUILD_ID_PATTERN.test(layout.buildId)) throw new CheckpointBuildIdError(layout.buildId);
  await prepareOutputFolder(layout);
  const checkpoint = await openCheckpoint({
    directory: layout.state,
    buildId: layout.buildId,
    secretValues: () => environment.secrets.values(),
  });
  return {
    buildId: layout.buildId,
    directory: layout.directory,
    bus,
    result: execute(
      { ...environment, earlierOutputs: builtFiles(checkpoint.record) },
      checkpoint,
      bus,
      options,
      loaded,
    ),
  };
}

async function execute(
  environment: BuildEnvironment,
  checkpoint: Checkpoint,
  bus: EventBus<BuildEvents>,
  options: StartBuildOptions,
  loaded: LoadedRecipe,
): Promise<BuildResult> {
  const { layout } = environment;
  const { buildId, directory } = layout;
  const started = performance.now();
  const empty = { artifacts: [], ran: [], reused: [], skipped: [] };
  let journal: Journal | undefined;
  let closing = false;
  try {
    journal = await openJournal(layout.events, {
      // What is lost when the bus is closed already is said in the journal alone.
      onDropped: ({ count }) => {
        if (!closing) bus.publish('build', 'journal.incomplete', { count });
      },
    });
    journal.attach(bus);
    const { origin, quarantined, record } = checkpoint;
    const resumed = options.fresh !== true && Object.keys(record.phases).length > 0;
    bus.publish('build', 'build.started', { buildId, recipe: loaded.path, directory, resumed });
    if (origin === 'quarantined' && quarantined) {
      bus.publish('build', 'checkpoint.quarantined', { path: quarantined.path, reason: quarantined.reason });
    }
    const handlers = ledgerHandlers(directory);
    const phases = buildPhases(environment);
    await forgetUnplanned(checkpoint, phases, directory, bus);
    await removeLeftovers(checkpoint, handlers, directory, bus);
    const chosen = await withTargets(environment, phases, checkpoint, options);
    const pipeline = runPipeline({
      phases: checkedFirst(chosen, withSpaceErrors(directory, buildPhases(chosen))),
      checkpoint,
      directory,
      handlers: failureHandlers(layout),
      deep: options.verify ?? false,
      fresh: options.fresh ?? false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.abortNow === undefined ? {} : { abortNow: options.abortNow }),
      ...(options.onError === undefined ? {} : { onError: options.onError }),
      ...(options.ask === undefined ? {} : { ask: options.ask }),
    });
    const forwarding = pipeline.events$.subscribe(({ type, data }) => bus.publish('pipeline', type, data));
    const result = await pipeline.result;
    forwarding.unsubscribe();
    if (result.outcome === 'completed') await removeLeftovers(checkpoint, handlers, directory, bus);
    // A disk that is too full for the record has failed the build already; that is the error to report.
    else await forgetAbsent(checkpoint).catch(() => undefined);
    if (result.outcome === 'completed' || result.outcome === 'unchanged') {
      // Cut short, it goes on in the next run.
      await removeDroppedMedia(environment, {
        signal: options.signal ?? new AbortController().signal,
        log: (line) => bus.publish('build', 'phase.log', { phase: 'media', line }),
      }).catch(() => undefined);
    }
    return conclude(environment, bus, result);
  } catch (error) {
    if (error instanceof UsbDeclinedError) {
      bus.publish('build', 'build.cancelled', { buildId, message: error.message });
      const durationMs = performance.now() - started;
      return { outcome: 'cancelled', buildId, directory, ...empty, durationMs, error };
    }
    const failure = error instanceof Error ? error : new Error(String(error));
    bus.publish('build', 'build.failed', { buildId, ...describe(failure) });
    return {
      outcome: 'failed',
      buildId,
      directory,
      ...empty,
      durationMs: performance.now() - started,
      error: failure,
    };
  } finally {
    // The record is safe by now; a lock file that cannot be tidied must not hide how the build ended.
    await checkpoint.close().catch(() => undefined);
    closing = true;
    bus.close();
    // The journal is for reading afterwards; a disk that is too full for it has failed the build already.
    await journal?.close().catch(() => undefined);
  }
}

/** With the targets of phase `usb`, chosen and confirmed where it is going to run. */
async function withTargets(
  environment: BuildEnvironment,
  phases: readonly Phase[],
  { record }: Checkpoint,
  { fresh = false, confirmTargets: confirm, signal = new AbortController().signal }: StartBuildOptions,
): Promise<BuildEnvironment> {
  if (environment.recipe.usb === false) return environment;
  const { directory, buildId } = environment.layout;
  const plan = await planPipeline(phases, record, { directory, buildId, fresh, signal });
  return {
    ...environment,
    usb: await chooseUsbTargets(environment, { plan, record, fresh, confirm, signal }),
  };
}

/** The code is that of what really happened, as in `phase.failed`, not of the engine's wrapping. */
function describe(error: Error): { message: string; code?: string } {
  const code = codeOf(error);
  return { message: error.message, ...(code === undefined ? {} : { code }) };
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const own = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return own?.startsWith('PIPELINE_') ? (codeOf(error.cause) ?? own) : own;
}

function conclude(
  environment: BuildEnvironment,
  bus: EventBus<BuildEvents>,
  result: PipelineResult,
): BuildResult {
  const { buildId, directory } = environment.layout;
  const { outcome, durationMs, ran, reused, skipped, error } = result;
  if (outcome === 'failed')
    bus.publish('build', 'build.failed', { buildId, ...describe(error ?? new Error('failed')) });
  else if (outcome === 'cancelled') {
    bus.publish('build', 'build.cancelled', { buildId, message: error?.message ?? 'cancelled' });
  } else
    bus.publish('build', 'build.completed', {
      buildId,
      directory,
      durationMs,
      unchanged: outcome === 'unchanged',
    });
  return {
    outcome,
    buildId,
    directory,
    artifacts: builtFiles(result.record),
    durationMs,
    ran,
    reused,
    skipped,
    ...(error === undefined ? {} : { error }),
  };
}

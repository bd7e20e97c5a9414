import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint } from '@osforge/checkpoint';
import type { JsonValue } from '@osforge/checkpoint';
import { onTestFinished } from 'vitest';
import { runPipeline } from '../src/index.ts';
import type {
  Phase,
  PhaseContext,
  PhaseResult,
  PipelineEvent,
  PipelineEvents,
  PipelineResult,
  RunPipelineOptions,
} from '../src/index.ts';

/** A folder that is gone after the test. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'osforge-pipeline-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export interface PhaseSketch {
  readonly dependsOn?: readonly string[];
  readonly reads?: readonly string[];
  readonly outputs?: readonly string[];
  readonly inputs?: JsonValue;
  readonly version?: string;
  readonly weight?: number;
  readonly retention?: 'output' | 'cache' | 'transient';
  readonly skip?: string;
  readonly retry?: NonNullable<Phase['retry']>;
  /** Content of the artifact; default: made from the upstream artifacts and the inputs. */
  readonly content?: (context: PhaseContext) => string | Promise<string>;
  /** Called first in `run`. */
  readonly before?: (context: PhaseContext) => unknown;
  readonly run?: (context: PhaseContext) => Promise<PhaseResult>;
}

/** A phase with one real artifact, `<name>.txt`, made from what it depends on. */
export function phase(directory: string, name: string, sketch: PhaseSketch = {}): Phase {
  const { skip, dependsOn = [], inputs = {} } = sketch;
  return {
    name,
    version: sketch.version ?? '1',
    weight: sketch.weight ?? 1,
    dependsOn,
    ...(sketch.reads === undefined ? {} : { reads: sketch.reads }),
    ...(sketch.outputs === undefined ? {} : { outputs: sketch.outputs }),
    ...(sketch.retry === undefined ? {} : { retry: sketch.retry }),
    ...(skip === undefined ? {} : { skip: () => skip }),
    inputs: () => inputs,
    run: async (context) => {
      await sketch.before?.(context);
      if (sketch.run !== undefined) return sketch.run(context);
      const path = join(directory, `${name}.txt`);
      const read = sketch.reads ?? dependsOn;
      const parts = await Promise.all(read.map((upstream) => readArtifacts(directory, context, upstream)));
      const made = `${name}(${parts.join('')})${JSON.stringify(inputs)}\n`;
      await writeFile(path, (await sketch.content?.(context)) ?? made);
      return { artifacts: [{ name, path, retention: sketch.retention ?? 'output' }], data: { made: name } };
    },
  };
}

async function readArtifacts(directory: string, context: PhaseContext, upstream: string): Promise<string> {
  const { artifacts } = context.upstream(upstream);
  return (await Promise.all(artifacts.map(({ path }) => readFile(join(directory, path), 'utf8')))).join('');
}

export interface RunSummary extends PipelineResult {
  readonly events: readonly PipelineEvent[];
}

/** Open the checkpoint, run, close it. */
export async function run(
  directory: string,
  phases: readonly Phase[],
  options: Partial<RunPipelineOptions> & { readonly onEvent?: (event: PipelineEvent) => void } = {},
): Promise<RunSummary> {
  const { onEvent, ...rest } = options;
  const checkpoint = await openCheckpoint({ directory, buildId: 'test' });
  try {
    const started = runPipeline({ phases, checkpoint, directory, ...rest });
    const events: PipelineEvent[] = [];
    started.events$.subscribe((event) => {
      events.push(event);
      onEvent?.(event);
    });
    return { ...(await started.result), events };
  } finally {
    await checkpoint.close();
  }
}

/** `type phase` of each event that belongs to one of `types`, in order. */
export function said(events: readonly PipelineEvent[], ...types: PipelineEvent['type'][]): string[] {
  return events
    .filter(({ type }) => types.includes(type))
    .map(({ type, data }) => ('phase' in data ? `${type} ${data.phase ?? ''}` : type));
}

/** Data of the events of one type, narrowed. */
export function of<T extends keyof PipelineEvents>(
  events: readonly PipelineEvent[],
  type: T,
): PipelineEvents[T][] {
  const found: PipelineEvents[T][] = [];
  for (const event of events) {
    // The type says which data it is; the union cannot be narrowed by a type parameter.
    if (event.type === type) found.push(event.data as PipelineEvents[T]);
  }
  return found;
}

/** The plan of a run as `name: action, reason`. */
export function planOf(events: readonly PipelineEvent[]): string[] {
  return of(events, 'pipeline.planned').flatMap(({ phases }) =>
    phases.map(({ name, action, reason }) => `${name}: ${action}, ${reason}`),
  );
}

/** A promise with its ends outside. */
export function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Rejects with the signal's reason when it is aborted. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => {
      // What was given to `abort` is what has to come out, whatever it is.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

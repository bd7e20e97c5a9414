import { recordBuild } from '@osforge/image-builder';
import { combine, createRegistry, createRuntimeMetrics, type Registry } from '@osforge/perf';
import { UsageError } from '../errors/usage-error.ts';
import type { BuildEvent } from '../view/build-event.ts';
import { openMetricsFile, type MetricsFile } from './metrics-file.ts';
import { openMetricsPort } from './metrics-port.ts';

export interface MetricsFlags {
  readonly metricsFile?: string;
  readonly metricsPort?: number;
  readonly metricsHost?: string;
}

export interface MetricsContext {
  readonly buildId: string;
  /** Its free space is among the metrics that are served. */
  readonly outDirectory: string;
  readonly note: (message: string) => void;
}

/** The metrics of one build, as long as it runs. */
export interface BuildMetrics {
  readonly event: (event: BuildEvent) => void;
  readonly notStarted: () => void;
  /** Writes the last state and ends the server, within about two seconds. */
  readonly close: () => Promise<void>;
}

/** What changes how the build stands; the file is written anew then. */
const milestones: ReadonlySet<string> = new Set([
  'build.started',
  'phase.completed',
  'phase.reused',
  'phase.failed',
  'phase.cancelled',
]);

/** How long a scrape that is under way may hold up the end. */
const closeTimeoutMs = 1000;

/**
 * Opens what the flags ask for; undefined where they ask for nothing.
 *
 * The file has the build's metrics alone: those of this process would be read as node_exporter's own, which have the
 * same names, and would stay there when it has ended.
 * @throws UsageError where the file cannot be written or the port is taken
 */
export async function openBuildMetrics(
  flags: MetricsFlags,
  { buildId, outDirectory, note }: MetricsContext,
): Promise<BuildMetrics | undefined> {
  const { metricsFile, metricsPort, metricsHost } = flags;
  if (metricsHost !== undefined && metricsPort === undefined) {
    throw new UsageError('--metrics-host says where --metrics-port listens; give that too');
  }
  if (metricsFile === undefined && metricsPort === undefined) return undefined;
  const registry = createRegistry();
  const recorder = recordBuild(registry, buildId);
  const stopServing =
    metricsPort === undefined
      ? undefined
      : await serve(registry, metricsPort, metricsHost, outDirectory, note);
  let file: MetricsFile | undefined;
  try {
    // After the port, so that a file is not left by a command that did not get on to build.
    file = metricsFile === undefined ? undefined : await openMetricsFile(registry, metricsFile, note);
  } catch (error) {
    await stopServing?.();
    throw error;
  }
  return {
    event: (event) => {
      recorder.event(event);
      if (milestones.has(event.type)) file?.update();
    },
    notStarted: recorder.notStarted,
    close: async () => {
      await Promise.all([file?.close(), stopServing?.()]);
    },
  };
}

/** Serves the build's metrics beside those of this process. Returns how to end that. */
async function serve(
  registry: Registry,
  port: number,
  host: string | undefined,
  outDirectory: string,
  note: (message: string) => void,
): Promise<() => Promise<void>> {
  const ownRegistry = createRegistry();
  const runtime = createRuntimeMetrics(ownRegistry, {
    owner: 'osforge build-image',
    folders: [outDirectory],
  });
  const server = await openMetricsPort(combine(registry, ownRegistry), port, host);
  runtime.start();
  note(`Metrics: ${server.url}`);
  return async () => {
    await server.close({ timeoutMs: closeTimeoutMs });
    runtime.stop();
  };
}

import { createEventLog } from './event-log.ts';
import { execute } from './execute.ts';
import { buildGraph } from './graph.ts';
import type { PipelineRun, RunPipelineOptions } from './run-options.ts';

/**
 * Run what has to be run. Begins on the next turn of the event loop, so that whoever subscribes at once sees
 * every event as it happens.
 * @throws DuplicatePhaseError, UnknownPhaseError, PhaseCycleError, PhaseDefinitionError before anything starts
 */
export function runPipeline(options: RunPipelineOptions): PipelineRun {
  const graph = buildGraph(options.phases);
  const log = createEventLog();
  const result = Promise.resolve()
    .then(() => execute(options, graph, log.publish))
    .finally(() => {
      log.complete();
    });
  return { events$: log.events$, result };
}

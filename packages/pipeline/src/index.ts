export { runPipeline } from './run.ts';
export type {
  FailureQuestion,
  OnError,
  PipelineResult,
  PipelineRun,
  RunPipelineOptions,
} from './run-options.ts';
export { planPipeline } from './plan.ts';
export type { PlanOptions } from './plan.ts';
export type {
  Phase,
  PhaseArtifact,
  PhaseContext,
  PhasePlan,
  PhaseResult,
  PlanContext,
  ReleasedArtifact,
} from './phase.ts';
export type { Failure, PipelineEvent, PipelineEvents } from './events.ts';
export { liveKey } from './live.ts';
export type { DisposeContext, DisposeReason, Disposer, LiveKey, LiveResources } from './live.ts';
export { PROVENANCE_KEY } from './provenance.ts';
export { LEDGER_PHASE_KEY } from './phase-ledger.ts';
export type { PhaseLedger } from './phase-ledger.ts';
export type { RetryOptions, RetryPolicy } from './retry.ts';
export type { ArtifactFinding, ArtifactStore } from './artifact-store.ts';
export {
  CleanUpTimeoutError,
  CommitFailedError,
  DuplicatePhaseError,
  LiveResourceExistsError,
  LiveResourceMissingError,
  PhaseCycleError,
  PhaseDefinitionError,
  PhaseFailedError,
  PhaseOutputError,
  PipelineCancelledError,
  PlanFailedError,
  RunEndedError,
  UndeclaredUpstreamError,
  UnknownPhaseError,
  isTransientPipelineError,
} from './errors.ts';

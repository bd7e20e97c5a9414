import { resolve } from 'node:path';
import type { PhaseRecord } from '@osforge/checkpoint';
import {
  CommitFailedError,
  PhaseFailedError,
  PlanFailedError,
  RunEndedError,
  UndeclaredUpstreamError,
  codeOf,
} from './errors.ts';
import type { Failure } from './events.ts';
import type { Phase, PhaseContext, ReleasedArtifact } from './phase.ts';
import { phaseLedger } from './phase-ledger.ts';
import { withoutProvenance } from './provenance.ts';
import type { RetryNotice } from './retry.ts';
import { retryTransient } from './retry.ts';
import type { RunState } from './run-state.ts';
import { save } from './run-state.ts';

/** What `phase` gets for one attempt. */
export function phaseContext(state: RunState, phase: Phase, attempt: number): PhaseContext {
  const { name } = phase;
  const { publish, stop, tracker } = state;
  const assertOpen = (): void => {
    if (state.late.has(name)) throw new RunEndedError(name);
  };
  let step: string | undefined;
  return {
    signal: stop.signal,
    buildId: state.checkpoint.record.buildId,
    attempt,
    live: state.live,
    upstream: (upstream) => upstreamRecord(state, name, upstream),
    progress: (fraction, newStep) => {
      if (state.late.has(name)) return;
      const stepChanged = newStep !== undefined && newStep !== step;
      step = newStep ?? step;
      const advanced = tracker.report(name, fraction);
      if (!advanced && !stepChanged) return;
      const shown = Math.min(Math.max(Number.isFinite(fraction) ? fraction : 0, 0), 1);
      publish('phase.progress', { phase: name, fraction: shown, ...(step === undefined ? {} : { step }) });
    },
    log: (line, stream) => {
      if (state.late.has(name)) return;
      publish('phase.log', { phase: name, line, ...(stream === undefined ? {} : { stream }) });
    },
    ledger: phaseLedger({
      checkpoint: state.checkpoint,
      phase: name,
      assertOpen,
      onRegistered: (entryId) => {
        const entries = state.registered.get(name) ?? new Set();
        state.registered.set(name, entries.add(entryId));
      },
    }),
    retry: (what, run, options) =>
      retryTransient(
        (number) => {
          assertOpen();
          return run(number, stop.signal);
        },
        options,
        stop.signal,
        publishRetry(state, name, what),
      ),
    releaseTransient: async (phases) => {
      assertOpen();
      return releaseTransient(state, name, phases);
    },
  };
}

/** Says that a step, or the whole phase, is tried again. */
export function publishRetry(state: RunState, phase: string, what: string): (notice: RetryNotice) => void {
  return ({ error, attempt, retriesLeft, delayMs }) => {
    state.publish('phase.retrying', { phase, what, attempt, retriesLeft, delayMs, ...failure(error) });
  };
}

/** An error as event data; the code is that of what really happened, not of the engine's wrapping. */
export function failure(error: Error): Failure {
  const code = rootCode(error);
  return { message: error.message, ...(code === undefined ? {} : { code }) };
}

function rootCode(error: unknown): string | undefined {
  const wrapped =
    error instanceof PhaseFailedError ||
    error instanceof CommitFailedError ||
    error instanceof PlanFailedError;
  return (wrapped ? rootCode(error.cause) : undefined) ?? codeOf(error);
}

function upstreamRecord(state: RunState, name: string, upstream: string): PhaseRecord {
  const record = state.checkpoint.record.phases[upstream];
  if (!state.graph.dependsOn(name, upstream) || record === undefined) {
    throw new UndeclaredUpstreamError(name, upstream);
  }
  return { ...record, data: withoutProvenance(record.data) };
}

async function releaseTransient(
  state: RunState,
  name: string,
  phases: readonly string[] | undefined,
): Promise<readonly ReleasedArtifact[]> {
  const undeclared = phases?.find((other) => !state.graph.dependsOn(name, other));
  if (undeclared !== undefined) throw new UndeclaredUpstreamError(name, undeclared);
  const names = phases ?? [...state.facts.keys()].filter((other) => state.graph.dependsOn(name, other));
  const released: ReleasedArtifact[] = [];
  const releasedOf = state.releases.get(name) ?? new Set<string>();
  state.releases.set(name, releasedOf);
  const changed: Record<string, PhaseRecord> = {};
  for (const phase of names) {
    const record = state.checkpoint.record.phases[phase];
    if (record === undefined) continue;
    const transient = record.artifacts.filter(({ retention }) => retention === 'transient');
    for (const artifact of transient) {
      const path = resolve(state.directory, artifact.path);
      released.push({ phase, name: artifact.name, path, sizeBytes: artifact.sizeBytes });
    }
    if (transient.length > 0) releasedOf.add(phase);
    if (transient.every((artifact) => artifact.released === true)) continue;
    changed[phase] = {
      ...record,
      artifacts: record.artifacts.map((artifact) =>
        artifact.retention === 'transient' ? { ...artifact, released: true } : artifact,
      ),
    };
  }
  if (Object.keys(changed).length > 0) {
    await save(state, (build) => ({ ...build, phases: { ...build.phases, ...changed } }), name);
    for (const [phase, record] of Object.entries(changed)) {
      const known = state.facts.get(phase);
      if (known !== undefined) state.facts.set(phase, { ...known, record });
    }
  }
  return released;
}

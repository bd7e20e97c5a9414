import type { BuildRecord, JsonValue, PhaseRecord } from '@osforge/checkpoint';
import type { PhaseFacts } from './assess.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { PlanFailedError, toError } from './errors.ts';
import type { PhaseGraph } from './graph.ts';
import type { Phase, PlanContext } from './phase.ts';
import { explainKeyChange, phaseKey, readProvenance } from './provenance.ts';

/** What was found out about one phase before anything starts. */
export interface SurveyedPhase extends PhaseFacts {
  readonly phase: Phase;
  readonly inputs: JsonValue;
  readonly upstreamKeys: Readonly<Record<string, string>>;
}

/** What the survey needs to look at. */
export interface SurveyOptions {
  readonly graph: PhaseGraph<Phase>;
  readonly buildId: string;
  readonly record: BuildRecord | undefined;
  readonly fresh: boolean;
  readonly store: ArtifactStore;
  readonly signal: AbortSignal;
}

/**
 * Gather inputs, compute keys and check artifacts, upstream first. Reads files, changes nothing.
 * @throws PlanFailedError when a phase cannot say its inputs, or an artifact cannot be checked; the abort
 * reason when `signal` is aborted
 */
export async function survey(options: SurveyOptions): Promise<readonly SurveyedPhase[]> {
  const { graph, signal } = options;
  signal.throwIfAborted();
  const gathered = await orAbort(Promise.all(graph.ordered.map((phase) => gather(phase, options))), signal);
  const keys = new Map<string, string>();
  const keyed = gathered.map(({ phase, skip, inputs }) => {
    const upstreamKeys = Object.fromEntries(phase.dependsOn.map((name) => [name, keys.get(name) ?? '']));
    const inputsKey = inPhase(phase, () =>
      phaseKey({
        name: phase.name,
        version: phase.version,
        skipped: skip !== undefined,
        inputs,
        upstreamKeys,
      }),
    );
    keys.set(phase.name, inputsKey);
    return { phase, skip, inputs, upstreamKeys, inputsKey };
  });
  return orAbort(
    Promise.all(
      keyed.map(async (found) => {
        const { phase } = found;
        return {
          ...found,
          name: phase.name,
          dependsOn: phase.dependsOn,
          reads: phase.reads ?? phase.dependsOn,
          ...(await examine(found, options)),
        };
      }),
    ),
    signal,
  );
}

interface Gathered {
  readonly phase: Phase;
  readonly skip: string | undefined;
  readonly inputs: JsonValue;
}

async function gather(phase: Phase, { buildId, record, signal }: SurveyOptions): Promise<Gathered> {
  const context: PlanContext = { buildId, record, signal };
  try {
    const skip = await phase.skip?.(context);
    return { phase, skip, inputs: skip === undefined ? await phase.inputs(context) : null };
  } catch (error) {
    throw new PlanFailedError(phase.name, error);
  }
}

interface Finding {
  readonly problem: string | undefined;
  readonly record: PhaseRecord | undefined;
}

async function examine(
  found: Omit<SurveyedPhase, keyof PhaseFacts> & Pick<PhaseFacts, 'skip' | 'inputsKey'>,
  options: SurveyOptions,
): Promise<Finding> {
  const record = options.record?.phases[found.phase.name];
  if (found.skip !== undefined) return { record, problem: undefined };
  if (options.fresh) return { record: undefined, problem: 'a fresh build was asked for' };
  if (record === undefined) return { record, problem: 'not done yet' };
  if (record.state === 'skipped') return { record, problem: 'it was skipped before' };
  if (record.inputsKey === found.inputsKey) return examineArtifacts(found.phase, record, options);
  return {
    record,
    problem: explainKeyChange(readProvenance(record), {
      version: found.phase.version,
      inputs: found.inputs,
      upstreamKeys: found.upstreamKeys,
    }),
  };
}

async function examineArtifacts(
  phase: Phase,
  record: PhaseRecord,
  { store, signal }: SurveyOptions,
): Promise<Finding> {
  try {
    let problem: string | undefined;
    const artifacts = await Promise.all(
      record.artifacts.map(async (artifact) => {
        // A released artifact was removed on purpose; whether it is needed is decided from who reads it.
        if (artifact.released === true) return artifact;
        const finding = await store.verify(artifact, signal);
        if (finding.problem !== undefined) problem ??= `artifact ${artifact.name} ${finding.problem}`;
        return finding.refreshed ?? artifact;
      }),
    );
    const same = artifacts.every((artifact, index) => artifact === record.artifacts[index]);
    return { problem, record: same ? record : { ...record, artifacts } };
  } catch (error) {
    signal.throwIfAborted();
    throw new PlanFailedError(phase.name, error);
  }
}

function inPhase<T>(phase: Phase, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    throw new PlanFailedError(phase.name, error);
  }
}

/** Stop waiting on abort: an `inputs` function that hangs must not hold up a cancel. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // Its failure is not lost where it matters (see below), but nobody may be listening after an abort.
  work.catch(() => {});
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(toError(signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

import type { PhaseRecord } from '@osforge/checkpoint';
import { SKIPPED_RESULT, readProvenance, resultDigest } from './provenance.ts';

/** What is known of one phase when it is decided whether it has to run. */
export interface PhaseFacts {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly reads: readonly string[];
  /** Set: the phase is not wanted, for this reason. */
  readonly skip: string | undefined;
  /** Set: the phase has to run for a reason of its own (no record, other key, artifact gone). */
  readonly problem: string | undefined;
  readonly record: PhaseRecord | undefined;
  readonly inputsKey: string;
}

/**
 * `must`: has to run. `may`: whether it has to run shows when an upstream phase is done. `valid`: its record
 * holds. `skip`: not wanted.
 */
export interface Decision {
  readonly state: 'must' | 'may' | 'valid' | 'skip';
  readonly reason: string;
}

/** `certain`: released artifacts are asked for by phases that must run; `worst-case`: also by those that may. */
export type AssessMode = 'certain' | 'worst-case';

/**
 * Decide for each phase, given as facts in an order in which upstream phases come first.
 *
 * A phase with a problem must run. A phase whose upstream runs may have to: it is settled by comparing the
 * upstream's new result with the one it was made from. A released artifact counts as present until a phase
 * that reads it runs; then the phase that made it must run too, and so on upwards.
 */
export function assess(ordered: readonly PhaseFacts[], mode: AssessMode): ReadonlyMap<string, Decision> {
  const facts = new Map(ordered.map((fact) => [fact.name, fact]));
  const pulled = new Map<string, string>();
  for (;;) {
    const decisions = decide(ordered, facts, pulled);
    let grew = false;
    for (const fact of ordered) {
      const state = decisions.get(fact.name)?.state;
      if (state !== 'must' && !(state === 'may' && mode === 'worst-case')) continue;
      for (const upstream of throughSkipped(fact, 'reads', facts)) {
        const released = releasedArtifact(upstream);
        if (released === undefined || pulled.has(upstream.name) || upstream.problem !== undefined) continue;
        pulled.set(upstream.name, `its released artifact ${released} is needed again by ${fact.name}`);
        grew = true;
      }
    }
    if (!grew) return decisions;
  }
}

function decide(
  ordered: readonly PhaseFacts[],
  facts: ReadonlyMap<string, PhaseFacts>,
  pulled: ReadonlyMap<string, string>,
): Map<string, Decision> {
  const decisions = new Map<string, Decision>();
  for (const fact of ordered) decisions.set(fact.name, decideOne(fact, facts, pulled, decisions));
  return decisions;
}

function decideOne(
  fact: PhaseFacts,
  facts: ReadonlyMap<string, PhaseFacts>,
  pulled: ReadonlyMap<string, string>,
  decisions: ReadonlyMap<string, Decision>,
): Decision {
  if (fact.skip !== undefined) return { state: 'skip', reason: fact.skip };
  const must = fact.problem ?? pulled.get(fact.name);
  if (must !== undefined) return { state: 'must', reason: must };
  const upstream = upstreamOf(fact, facts);
  const running = upstream.find(({ name }) => {
    const state = decisions.get(name)?.state;
    return state === 'must' || state === 'may';
  });
  if (running !== undefined) return { state: 'may', reason: `upstream ${running.name} runs again` };
  const provenance = fact.record === undefined ? undefined : readProvenance(fact.record);
  const other = upstream.find((one) => provenance?.upstream[one.name]?.result !== currentResult(one));
  if (other !== undefined)
    return { state: 'must', reason: `upstream ${other.name} has another result than before` };
  const back = provenance?.released.find((name) => isUnreleased(facts.get(name)));
  if (back !== undefined)
    return { state: 'must', reason: `transient artifacts of ${back} are to be released again` };
  return { state: 'valid', reason: 'nothing changed' };
}

/** The phases whose results this one was made from: a skipped one stands for what it depends on itself. */
export function upstreamOf(fact: PhaseFacts, facts: ReadonlyMap<string, PhaseFacts>): readonly PhaseFacts[] {
  return throughSkipped(fact, 'dependsOn', facts);
}

/** The digest of what a phase has made so far. */
export function currentResult(fact: PhaseFacts): string {
  return fact.record === undefined ? SKIPPED_RESULT : resultDigest(fact.record);
}

function throughSkipped(
  fact: PhaseFacts,
  edge: 'dependsOn' | 'reads',
  facts: ReadonlyMap<string, PhaseFacts>,
): readonly PhaseFacts[] {
  const found = new Map<string, PhaseFacts>();
  for (const name of fact[edge]) {
    const upstream = facts.get(name);
    if (upstream === undefined) continue;
    if (upstream.skip === undefined) found.set(name, upstream);
    else for (const further of throughSkipped(upstream, edge, facts)) found.set(further.name, further);
  }
  return [...found.values()];
}

function isUnreleased(fact: PhaseFacts | undefined): boolean {
  const artifacts = fact?.record?.artifacts ?? [];
  return artifacts.some(({ retention, released }) => retention === 'transient' && released !== true);
}

function releasedArtifact(fact: PhaseFacts): string | undefined {
  return fact.record?.artifacts.find(({ released }) => released === true)?.name;
}

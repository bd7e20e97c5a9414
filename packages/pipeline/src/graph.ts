import { DuplicatePhaseError, PhaseCycleError, PhaseDefinitionError, UnknownPhaseError } from './errors.ts';

/** The part of a phase that says where it stands among the others. */
export interface GraphNode {
  readonly name: string;
  readonly weight: number;
  readonly dependsOn: readonly string[];
  readonly reads?: readonly string[];
}

/** Phases in an order in which each comes after everything it depends on; otherwise as they were given. */
export interface PhaseGraph<P extends GraphNode> {
  readonly ordered: readonly P[];
  readonly byName: ReadonlyMap<string, P>;
  /** Whether `name` depends on `upstream`, directly or through others. */
  dependsOn(name: string, upstream: string): boolean;
}

/**
 * Check a list of phases and order it.
 * @throws DuplicatePhaseError, UnknownPhaseError, PhaseCycleError, PhaseDefinitionError
 */
export function buildGraph<P extends GraphNode>(phases: readonly P[]): PhaseGraph<P> {
  const byName = new Map<string, P>();
  for (const phase of phases) {
    checkNode(phase);
    if (byName.has(phase.name)) throw new DuplicatePhaseError(phase.name);
    byName.set(phase.name, phase);
  }
  for (const phase of phases) {
    for (const upstream of phase.dependsOn) {
      if (!byName.has(upstream)) throw new UnknownPhaseError(phase.name, upstream, [...byName.keys()]);
    }
  }

  const ordered: P[] = [];
  const upstreamOf = new Map<string, ReadonlySet<string>>();
  const path: string[] = [];
  const visit = (phase: P): ReadonlySet<string> => {
    const known = upstreamOf.get(phase.name);
    if (known !== undefined) return known;
    const start = path.indexOf(phase.name);
    if (start >= 0) throw new PhaseCycleError([...path.slice(start), phase.name]);
    path.push(phase.name);
    const all = new Set<string>();
    for (const name of phase.dependsOn) {
      const upstream = byName.get(name);
      if (upstream === undefined) continue;
      all.add(name);
      for (const further of visit(upstream)) all.add(further);
    }
    path.pop();
    upstreamOf.set(phase.name, all);
    ordered.push(phase);
    return all;
  };
  for (const phase of phases) visit(phase);

  return {
    ordered,
    byName,
    dependsOn: (name, upstream) => upstreamOf.get(name)?.has(upstream) ?? false,
  };
}

function checkNode(phase: GraphNode): void {
  // The rule of the checkpoint record, checked here so that a bad name is refused before anything starts.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(phase.name)) {
    throw new PhaseDefinitionError(
      phase.name,
      'name',
      'must be 1–100 of A-Z a-z 0-9 . _ - and start with a letter or digit',
    );
  }
  if (!Number.isFinite(phase.weight) || phase.weight <= 0) {
    throw new PhaseDefinitionError(phase.name, 'weight', `is ${phase.weight}, expected a number above 0`);
  }
  const undeclared = phase.reads?.find((name) => !phase.dependsOn.includes(name));
  if (undeclared !== undefined) {
    throw new PhaseDefinitionError(phase.name, 'reads', `names "${undeclared}", which is not in dependsOn`);
  }
}

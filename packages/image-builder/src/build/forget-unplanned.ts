import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { BuildRecord, Checkpoint, LedgerEntry } from '@osforge/checkpoint';
import type { EventBus } from '@osforge/event-bus';
import type { Phase } from '@osforge/pipeline';
import type { BuildEvents } from './events.ts';

/**
 * Gives the intermediate files of phases that are skipped now, or do not exist any more, to the clean-up ledger: the
 * saved machine of a recipe that has dropped its applications, say. In one record with forgetting the phases, so that a
 * kill leaves either both or a ledger that knows what to remove. What the user has got stays; capture decides on it.
 */
export async function forgetUnplanned(
  checkpoint: Checkpoint,
  phases: readonly Phase[],
  directory: string,
  bus: EventBus<BuildEvents>,
): Promise<void> {
  const { record, buildId } = checkpoint;
  const context = { buildId, record, signal: new AbortController().signal };
  const planned = new Set<string>();
  for (const phase of phases) if ((await phase.skip?.(context)) === undefined) planned.add(phase.name);
  const files = intermediateFiles(record, directory, (name) => !planned.has(name));
  const used = new Set(
    intermediateFiles(record, directory, (name) => planned.has(name)).map(({ place }) => place),
  );
  const dropped = files.filter(({ place }) => !used.has(place));
  if (dropped.length === 0) return;
  const registeredAt = new Date().toISOString();
  const entries = dropped.map(({ phase, place }): LedgerEntry => ({
    id: randomUUID(),
    resourceType: 'file',
    resourceId: place,
    data: { phase },
    registeredAt,
  }));
  const forgotten = new Set(dropped.map(({ phase }) => phase));
  await checkpoint.update((build) => ({
    ...build,
    phases: Object.fromEntries(Object.entries(build.phases).filter(([name]) => !forgotten.has(name))),
    ledger: [...build.ledger, ...entries],
  }));
  for (const { phase, place } of dropped) {
    const line = `${path.relative(directory, place)} is removed: ${phase} is not part of the build any more`;
    bus.publish('build', 'phase.log', { phase, line });
  }
}

function intermediateFiles(
  record: BuildRecord,
  directory: string,
  isWanted: (phase: string) => boolean,
): { phase: string; place: string }[] {
  return Object.entries(record.phases)
    .filter(([phase]) => isWanted(phase))
    .flatMap(([phase, { artifacts }]) =>
      artifacts
        .filter(({ retention, released }) => retention !== 'output' && released !== true)
        .map((artifact) => ({ phase, place: path.resolve(directory, artifact.path) })),
    );
}

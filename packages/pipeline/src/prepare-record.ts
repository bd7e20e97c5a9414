import type { PhaseRecord } from '@osforge/checkpoint';
import { percentSaved } from './commit.ts';
import type { PhasePlan } from './phase.ts';
import type { RunState } from './run-state.ts';
import { adopt, save } from './run-state.ts';

/**
 * Bring the saved record to what the plan says before anything starts: skipped phases with their reason, no
 * old phases in a fresh build, the percentage that is left. One update, or none when nothing differs.
 */
export async function prepareRecord(
  state: RunState,
  plan: readonly PhasePlan[],
  fresh: boolean,
): Promise<void> {
  const { record } = state.checkpoint;
  const time = new Date(state.now()).toISOString();
  const changed: Record<string, PhaseRecord> = {};
  for (const { name, action, reason, inputsKey } of plan) {
    if (action !== 'skip') continue;
    const before = record.phases[name];
    if (!fresh && before?.state === 'skipped' && before.inputsKey === inputsKey && before.reason === reason)
      continue;
    changed[name] = {
      state: 'skipped',
      inputsKey,
      reason,
      startedAt: time,
      completedAt: time,
      durationMs: 0,
      artifacts: [],
      data: {},
    };
  }
  for (const known of state.facts.values()) {
    // An artifact that was found whole under a new identity is remembered, so that it is not hashed each time.
    const before = record.phases[known.name];
    if (known.skip === undefined && known.record !== undefined && known.record !== before) {
      changed[known.name] = known.record;
    }
  }
  const reusable = plan.filter(({ action }) => action === 'reuse').map(({ name }) => name);
  const percentComplete = percentSaved(state, ...reusable);
  // A fresh build forgets first: should it be killed, the next run must not take up what it meant to replace.
  const planned = new Set(plan.map(({ name }) => name));
  const forgets = fresh && Object.keys(record.phases).some((name) => planned.has(name));
  if (!forgets && Object.keys(changed).length === 0 && percentComplete === record.percentComplete) return;
  await save(state, (build) => ({
    ...build,
    percentComplete,
    phases: {
      ...Object.fromEntries(Object.entries(build.phases).filter(([name]) => !(fresh && planned.has(name)))),
      ...changed,
    },
  }));
  for (const [name, phase] of Object.entries(changed)) {
    if (phase.state === 'skipped') adopt(state, name, phase);
  }
}

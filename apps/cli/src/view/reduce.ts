import { cleanLine, failureLine } from '../text/clean-text.ts';
import type { BuildEvent } from './build-event.ts';
import type { BuildState, PhaseView } from './build-state.ts';

/** The state after one more event. Pure; time is the event's own. */
export function reduce(state: BuildState, event: BuildEvent): BuildState {
  const at = Date.parse(event.time);
  switch (event.type) {
    case 'build.started': {
      const { buildId, directory, resumed } = event.data;
      return { ...state, buildId, directory: cleanLine(directory), resumed, startedAt: at };
    }
    case 'pipeline.planned':
      return { ...state, phases: event.data.phases.map(({ name }) => ({ name, state: 'waiting' })) };
    case 'pipeline.progress': {
      const { percent, etaMs } = event.data;
      return { ...state, percent, expectedEnd: etaMs === undefined ? undefined : at + etaMs };
    }
    case 'phase.started':
      return withPhase(state, event.data.phase, () => ({
        state: 'running',
        startedAt: at,
        fraction: 0,
        ...(event.data.attempt > 1 ? { detail: `attempt ${event.data.attempt}` } : {}),
      }));
    case 'phase.progress': {
      const { phase, fraction, step } = event.data;
      return withPhase(state, phase, (old) => ({
        ...old,
        fraction,
        ...(step === undefined ? {} : { detail: cleanLine(step) }),
      }));
    }
    case 'phase.retrying': {
      const { phase, what, attempt, message } = event.data;
      const detail = cleanLine(`${what}: attempt ${attempt} failed, retrying: ${firstLine(message)}`);
      return withPhase(state, phase, (old) => ({ ...old, detail }));
    }
    case 'phase.completed':
      return withPhase(state, event.data.phase, () => ({
        state: 'done',
        durationMs: event.data.durationMs,
      }));
    case 'phase.reused':
      return withPhase(state, event.data.phase, () => ({
        state: 'reused',
        detail: cleanLine(event.data.reason),
      }));
    case 'phase.skipped':
      return withPhase(state, event.data.phase, () => ({
        state: 'skipped',
        detail: cleanLine(event.data.reason),
      }));
    case 'phase.failed':
      return withPhase(state, event.data.phase, (old) => ({
        state: 'failed',
        detail: failureLine(event.data.message),
        ...since(old, at),
      }));
    case 'phase.cancelled':
      return withPhase(state, event.data.phase, (old) => ({
        state: 'cancelled',
        detail: event.data.late ? 'cut off' : 'stopped',
        ...since(old, at),
      }));
    case 'guest.step': {
      const { app, step, message } = event.data;
      const detail = cleanLine(`${app}: ${message ?? step}`);
      return withPhase(state, 'app-install', (old) => ({ ...old, detail }));
    }
    case 'vm.console': {
      const line = cleanLine(event.data.line);
      return line.trim() === '' ? state : { ...state, consoleLine: line };
    }
    case 'vm.verdict':
      return { ...state, consoleLine: undefined };
    case 'vm.state':
      return event.data.state === 'stopped' ? { ...state, consoleLine: undefined } : state;
    case 'pipeline.cancelling':
      return { ...state, stopping: true };
    default:
      return state;
  }
}

function withPhase(
  state: BuildState,
  name: string,
  change: (old: PhaseView) => Omit<PhaseView, 'name'>,
): BuildState {
  return {
    ...state,
    phases: state.phases.map((phase) => (phase.name === name ? { ...change(phase), name } : phase)),
  };
}

function since({ startedAt }: PhaseView, at: number): { durationMs?: number } {
  return startedAt === undefined ? {} : { durationMs: at - startedAt };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

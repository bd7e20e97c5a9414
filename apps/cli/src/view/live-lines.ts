import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import { compactDuration } from '../text/duration.ts';
import type { BuildState, PhaseState, PhaseView } from './build-state.ts';
import type { Glyphs, Paint } from './style.ts';

export interface Frame {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
  readonly glyphs: Glyphs;
}

/**
 * The lines of one frame: never wider than the terminal (by display width), and at least one fewer than it has rows.
 * Where there are too few rows, what has ended and what waits is folded into counts. Pure.
 */
export function liveLines(state: BuildState, frame: Frame): string[] {
  const room = Math.max(1, frame.rows - 1);
  const head = headLine(state, frame);
  const foot = footLine(state, frame);
  const console_ = state.consoleLine === undefined ? [] : [consoleLine(state.consoleLine, frame)];
  const all = state.phases.map((phase) => phaseLine(phase, frame));
  const folded = foldedLines(state.phases, frame);
  const candidates = [
    [head, ...all, foot, ...console_],
    [head, ...folded, foot, ...console_],
    [...folded, foot],
  ];
  const lines = candidates.find((candidate) => candidate.length <= room) ?? [...folded, foot].slice(-room);
  return lines.map((line) => fit(line, frame));
}

function headLine({ buildId, directory, resumed }: BuildState, { paint, glyphs }: Frame): string {
  return `${paint.bold(buildId)} ${paint.dim(`${glyphs.arrow} ${directory}${resumed ? ' (resumed)' : ''}`)}`;
}

function phaseLine(phase: PhaseView, frame: Frame): string {
  const { paint } = frame;
  const quiet = phase.state === 'waiting' || phase.state === 'skipped' || phase.state === 'reused';
  const name = phase.name.padEnd(12);
  const took = elapsed(phase, frame.now).padStart(6);
  const percent = phase.state === 'running' ? `${Math.floor((phase.fraction ?? 0) * 100)}%` : '';
  const detail = phase.state === 'reused' ? `reused: ${phase.detail ?? ''}` : detailOf(phase);
  const text = `${name} ${took} ${percent.padStart(4)}  ${detail}`.trimEnd();
  return `${glyph(phase.state, frame)} ${quiet ? paint.dim(text) : text}`;
}

function detailOf({ state, detail = '' }: PhaseView): string {
  return state === 'skipped' ? `skipped: ${detail}` : detail;
}

function elapsed({ state, startedAt, durationMs }: PhaseView, now: number): string {
  if (durationMs !== undefined) return compactDuration(durationMs);
  return state === 'running' && startedAt !== undefined ? compactDuration(now - startedAt) : '';
}

function glyph(state: PhaseState, { now, paint, glyphs }: Frame): string {
  if (state === 'running') {
    return paint.cyan(glyphs.running[Math.floor(now / 200) % glyphs.running.length] ?? '');
  }
  const text = glyphs.state[state];
  if (state === 'done') return paint.green(text);
  if (state === 'failed') return paint.red(text);
  return state === 'cancelled' ? paint.yellow(text) : paint.dim(text);
}

/** What runs or failed, line by line; everything else as two counts. */
function foldedLines(phases: readonly PhaseView[], frame: Frame): string[] {
  const count = (...states: readonly PhaseState[]): number =>
    phases.filter(({ state }) => states.includes(state)).length;
  const ended = count('done', 'reused', 'skipped');
  const waiting = count('waiting');
  return [
    ...(ended > 0 ? [`${glyph('done', frame)} ${ended} phases done`] : []),
    ...phases
      .filter(({ state }) => state === 'running' || state === 'failed' || state === 'cancelled')
      .map((phase) => phaseLine(phase, frame)),
    ...(waiting > 0 ? [`${glyph('waiting', frame)} ${frame.paint.dim(`${waiting} to come`)}`] : []),
  ];
}

function footLine(state: BuildState, frame: Frame): string {
  const { paint, glyphs, now, columns } = frame;
  const percent = ` ${String(Math.floor(state.percent)).padStart(2)}%`;
  const spent = state.startedAt === undefined ? '' : `  ${compactDuration(now - state.startedAt)}`;
  const leftMs = state.percent >= 100 ? 0 : (state.expectedEnd ?? 0) - now;
  // An estimate that has run out is no estimate.
  const left = leftMs > 0 ? `, about ${compactDuration(leftMs)} left` : '';
  const text = state.stopping ? `${percent}${spent}, stopping` : `${percent}${spent}${left}`;
  const width = Math.min(30, columns - 1 - stringWidth(text));
  if (width < 5) return text.trimStart();
  const done = Math.round((width * Math.min(100, state.percent)) / 100);
  return `${paint.cyan(glyphs.barDone.repeat(done))}${paint.dim(glyphs.barLeft.repeat(width - done))}${text}`;
}

function consoleLine(line: string, { paint, glyphs }: Frame): string {
  return paint.dim(`${glyphs.console} ${line}`);
}

/** One column stays free: some terminals wrap when the last one is written. */
function fit(line: string, { columns, glyphs }: Frame): string {
  return cliTruncate(line, Math.max(1, columns - 1), { truncationCharacter: glyphs.ellipsis });
}

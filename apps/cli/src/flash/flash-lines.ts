import type { FlashTargetState } from '@osforge/flasher';
import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import { compactDuration } from '../text/duration.ts';
import { formatSize } from '../text/size.ts';
import { formatSpeed } from '../text/speed.ts';
import type { Frame } from '../view/live-lines.ts';
import type { FlashState, TargetView } from './flash-state.ts';

/** Words for what is no plain writing; the row says that by its percentage and speed. */
const doing: Readonly<Partial<Record<FlashTargetState, string>>> = {
  probing: 'probing its capacity',
  opening: 'opening',
  discarding: 'discarding its old blocks',
  resuming: 'continues where it was',
  finishing: 'finishing',
};

/**
 * The lines of one frame: never wider than the terminal, and at least one fewer than it has rows. Where there are too
 * few rows, what is complete and what waits is folded into counts, and in the end the rest too. Pure.
 */
export function flashLines(state: FlashState, frame: Frame): string[] {
  const room = Math.max(1, frame.rows - 1);
  const width = nameWidth(state, frame);
  const row = (target: TargetView): string => targetLine(target, width, frame);
  const head = headLine(state, frame);
  const foot = footLine(state, frame);
  const all = [head, ...state.targets.map(row), foot];
  if (all.length <= room) return all.map((line) => fit(line, frame));
  const ended = state.targets.filter(({ state: name }) => name === 'done').length;
  const waiting = state.targets.filter(({ state: name }) => name === 'waiting').length;
  // What failed is never folded away before what goes on.
  const rows = state.targets
    .filter(({ state: name }) => name !== 'done' && name !== 'waiting')
    .sort((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed'))
    .map(row);
  const counts = [
    ...(ended > 0 ? [`${frame.paint.green(frame.glyphs.state.done)} ${ended} complete`] : []),
    ...(waiting > 0 ? [frame.paint.dim(`${frame.glyphs.state.waiting} ${waiting} to come`)] : []),
  ];
  const left = room - counts.length - 1;
  const shown = rows.length <= left ? rows : rows.slice(0, Math.max(0, left - 1));
  const hidden = rows.length - shown.length;
  const lines = [
    ...counts,
    ...shown,
    ...(hidden > 0 ? [frame.paint.dim(`${frame.glyphs.ellipsis} and ${hidden} more`)] : []),
    foot,
  ];
  return lines.slice(-room).map((line) => fit(line, frame));
}

function headLine({ image, targets }: FlashState, { paint, glyphs }: Frame): string {
  const count = `${targets.length} ${targets.length === 1 ? 'target' : 'targets'}`;
  return `${paint.bold(image)} ${paint.dim(`${glyphs.arrow} ${count}`)}`;
}

/** What the longest name needs, but in a narrow terminal not more than leaves room for the numbers. */
function nameWidth({ targets }: FlashState, { columns }: Frame): number {
  const longest = Math.max(0, ...targets.map(({ name }) => stringWidth(name)));
  return Math.min(longest, Math.max(8, columns - 32), 32);
}

function targetLine(target: TargetView, width: number, frame: Frame): string {
  const { paint, now, glyphs } = frame;
  const { state, name, behind, detail, bytesPerSecond, expectedEnd } = target;
  const truncated = cliTruncate(name, width, { position: 'middle', truncationCharacter: glyphs.ellipsis });
  const padded = truncated + ' '.repeat(Math.max(0, width - stringWidth(truncated)));
  const speed = bytesPerSecond > 0 ? formatSpeed(bytesPerSecond) : '';
  const left = expectedEnd === undefined ? '' : compactDuration(expectedEnd - now);
  const words = detail ?? doing[state] ?? (behind ? 'slower than the others' : '');
  const numbers = `${amount(target).padStart(4)} ${speed.padStart(8)} ${left.padStart(6)}`;
  // Without numbers there is more room for why.
  const failed = state === 'failed' || state === 'cancelled';
  const text = failed ? `${padded} ${amount(target).padStart(4)} ${words}` : `${padded} ${numbers}  ${words}`;
  const line = `${glyph(state, frame)} ${text.trimEnd()}`;
  return state === 'waiting' ? paint.dim(line) : line;
}

/** A percentage, or how much it is where nobody knows of how much. */
function amount({ state, doneBytes, totalBytes }: TargetView): string {
  if (state === 'waiting' || state === 'probing') return '';
  if (totalBytes === undefined) return formatSize(doneBytes);
  return `${totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes)}%`;
}

function glyph(state: FlashTargetState, { now, paint, glyphs }: Frame): string {
  switch (state) {
    case 'done':
      return paint.green(glyphs.state.done);
    case 'failed':
      return paint.red(glyphs.state.failed);
    case 'cancelled':
      return paint.yellow(glyphs.state.cancelled);
    case 'waiting':
      return glyphs.state.waiting;
    default:
      return paint.cyan(glyphs.running[Math.floor(now / 200) % glyphs.running.length] ?? '');
  }
}

function footLine(state: FlashState, frame: Frame): string {
  const { paint, glyphs, now, columns } = frame;
  const { targets, checked, startedAt } = state;
  const spent = startedAt === undefined ? '' : `  ${compactDuration(now - startedAt)}`;
  const alive = targets.filter(({ state: name }) => name !== 'failed' && name !== 'cancelled');
  const fractions = alive.map(({ doneBytes, totalBytes }) =>
    totalBytes === undefined || totalBytes === 0 ? 0 : doneBytes / totalBytes,
  );
  const mean = fractions.reduce((sum, one) => sum + one, 0) / Math.max(1, fractions.length);
  const fraction = checked ?? mean;
  const end = Math.max(0, ...alive.map(({ expectedEnd }) => expectedEnd ?? 0));
  const left = end > now ? `, about ${compactDuration(end - now)} left` : '';
  const percent = ` ${String(Math.floor(100 * fraction)).padStart(2)}%`;
  const text = checked === undefined ? `${percent}${spent}${left}` : `${percent}${spent}, checking the image`;
  const width = Math.min(30, columns - 1 - stringWidth(text));
  if (width < 5) return text.trimStart();
  const done = Math.round(width * Math.min(1, fraction));
  return `${paint.cyan(glyphs.barDone.repeat(done))}${paint.dim(glyphs.barLeft.repeat(width - done))}${text}`;
}

/** One column stays free: some terminals wrap when the last one is written. */
function fit(line: string, { columns, glyphs }: Frame): string {
  return cliTruncate(line, Math.max(1, columns - 1), { truncationCharacter: glyphs.ellipsis });
}

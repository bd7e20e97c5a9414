import type { PhaseState } from './build-state.ts';

type Colour = (text: string) => string;

/** The colours of the view; each is the identity where colours are off. */
export interface Paint {
  readonly bold: Colour;
  readonly dim: Colour;
  readonly green: Colour;
  readonly yellow: Colour;
  readonly red: Colour;
  readonly cyan: Colour;
}

const same: Colour = (text) => text;
export const noPaint: Paint = { bold: same, dim: same, green: same, yellow: same, red: same, cyan: same };

/** The characters of the view. */
export interface Glyphs {
  readonly state: Readonly<Record<Exclude<PhaseState, 'running'>, string>>;
  /** Shown in turn for what runs. */
  readonly running: readonly string[];
  readonly barDone: string;
  readonly barLeft: string;
  readonly console: string;
  readonly arrow: string;
  readonly ellipsis: string;
}

export const unicodeGlyphs: Glyphs = {
  state: { waiting: '·', done: '✔', reused: '✔', skipped: '–', failed: '✖', cancelled: '■' },
  running: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  barDone: '━',
  barLeft: '─',
  console: '│',
  arrow: '→',
  ellipsis: '…',
};

export const asciiGlyphs: Glyphs = {
  state: { waiting: '.', done: '+', reused: '=', skipped: '-', failed: 'x', cancelled: '#' },
  running: ['|', '/', '-', '\\'],
  barDone: '#',
  barLeft: '.',
  console: '|',
  arrow: '->',
  ellipsis: '~',
};

/** Whether a terminal can be expected to show the Unicode glyphs. */
export function glyphsFor(env: Readonly<Record<string, string | undefined>>): Glyphs {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale) && env['TERM'] !== 'linux' ? unicodeGlyphs : asciiGlyphs;
}

import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { initialBuildState, type BuildState } from '../src/view/build-state.ts';
import { liveLines, type Frame } from '../src/view/live-lines.ts';
import { reduce } from '../src/view/reduce.ts';
import { asciiGlyphs, glyphsFor, noPaint, unicodeGlyphs } from '../src/view/style.ts';
import { event, start, story } from './support/events.ts';

const full = story.reduce(reduce, initialBuildState);

function lines(state: BuildState, frame: Partial<Frame> & { seconds?: number } = {}): string[] {
  const now = start + (frame.seconds ?? 20) * 1000;
  return liveLines(state, { now, columns: 80, rows: 24, paint: noPaint, glyphs: unicodeGlyphs, ...frame });
}

test('the whole view', () => {
  expect(lines(full)).toEqual([
    'demo → /out/demo (resumed)',
    '✔ preflight                 reused: nothing changed',
    '✔ apps           4.8s',
    '✔ disk            10s',
    '⠋ app-install    5.0s   0%  nginx: 3 of 9',
    '– media                     skipped: not requested',
    '━━━━━━━━━━━━━━━━━━━━━━──────── 71%  20s, about 28s left',
    '│ Booting now',
  ]);
});

test('before and while the first phases run', () => {
  const early = story.slice(0, 3).reduce(reduce, initialBuildState);
  expect(lines(early, { seconds: 0 })).toEqual([
    'demo → /out/demo (resumed)',
    '· preflight',
    '· apps',
    '· disk',
    '· app-install',
    '– media                     skipped: not requested',
    '──────────────────────────────  0%  0.0s',
  ]);
  const later = story.slice(0, 15).reduce(reduce, initialBuildState);
  expect(lines(later, { seconds: 8.2 })).toContain('⠙ disk           3.2s  31%  unpacking 字字字');
  const retrying = story.slice(0, 8).reduce(reduce, initialBuildState);
  expect(lines(retrying, { seconds: 4 })).toContain(
    '⠋ apps           3.8s   0%  download: attempt 1 failed, retrying: connection r…',
  );
});

test('a whole bar has a space before its number', () => {
  const done = reduce(full, event(30, 'pipeline.progress', { percent: 100 }));
  expect(lines(done, { seconds: 30 })).toContain('━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100%  30s');
});

test('how it ended stays to be seen', () => {
  const ends = [
    event(21, 'pipeline.cancelling', { running: ['app-install'], deadlineMs: 5000 }),
    event(22, 'phase.cancelled', { phase: 'app-install', late: false }),
    event(22, 'vm.state', { state: 'stopped' }),
  ].reduce(reduce, full);
  expect(lines(ends, { seconds: 22 }).slice(4)).toEqual([
    '■ app-install    7.0s       stopped',
    '– media                     skipped: not requested',
    '━━━━━━━━━━━━━━━━━━━━━━──────── 71%  22s, stopping',
  ]);
  const failed = reduce(
    full,
    event(22, 'phase.failed', {
      phase: 'app-install',
      attempt: 2,
      message: 'phase "app-install" failed after 2 attempts: nginx: exit 1\nlog',
    }),
  );
  expect(lines(failed)).toContain('✖ app-install    7.0s       nginx: exit 1');
});

test('too few rows: what ended and what waits is counted', () => {
  const middle = story.slice(0, 15).reduce(reduce, initialBuildState);
  expect(lines(middle, { rows: 7, seconds: 12 })).toEqual([
    'demo → /out/demo (resumed)',
    '✔ 3 phases done',
    '⠋ disk           7.0s  31%  unpacking 字字字',
    '· 1 to come',
    '━━━━━━━━━───────────────────── 30%  12s, about 53s left',
  ]);
  expect(lines(middle, { rows: 5, seconds: 12 })).toHaveLength(4);
  expect(lines(middle, { rows: 3, seconds: 12 })).toHaveLength(2);
  expect(lines(middle, { rows: 1, seconds: 12 })).toHaveLength(1);
});

describe.each([200, 80, 40, 20, 10, 3, 1])('%i columns', (columns) => {
  test('no line is wider, by display width', () => {
    for (let count = 0; count <= story.length; count += 1) {
      const state = story.slice(0, count).reduce(reduce, initialBuildState);
      for (const rows of [24, 6, 2]) {
        const drawn = lines(state, { columns, rows });
        expect(drawn.length).toBeLessThan(Math.max(2, rows));
        for (const line of drawn) expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(1, columns - 1));
      }
    }
  });
});

test('a terminal without Unicode gets ASCII', () => {
  expect(glyphsFor({ LC_ALL: 'C' })).toBe(asciiGlyphs);
  expect(glyphsFor({ LANG: 'en_US.UTF-8', TERM: 'linux' })).toBe(asciiGlyphs);
  expect(glyphsFor({ LANG: 'C', LC_ALL: 'de_DE.utf8' })).toBe(unicodeGlyphs);
  for (const line of lines(full, { glyphs: asciiGlyphs })) expect(line).toMatch(/^[ -~]*$/);
});

test('what a guest says is stripped of control characters, empty lines do not replace the last one', () => {
  expect(full.consoleLine).toBe('Booting now');
  expect(reduce(full, event(19, 'vm.console', { line: '\u001B[0m  \r' })).consoleLine).toBe('Booting now');
});

test('events are not changed and states not either', () => {
  const frozen = Object.freeze({
    ...full,
    phases: Object.freeze(full.phases.map((phase) => Object.freeze(phase))),
  });
  expect(() => story.reduce(reduce, frozen)).not.toThrow();
});

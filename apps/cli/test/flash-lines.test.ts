import type { FlashEvents } from '@osforge/flasher';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import type { FlashEvent } from '../src/flash/flash-event.ts';
import { flashLines } from '../src/flash/flash-lines.ts';
import { flashPlainLine, initialFlashPlainState } from '../src/flash/flash-plain-lines.ts';
import { initialFlashState, reduceFlash, shortNames } from '../src/flash/flash-state.ts';
import { asciiGlyphs, noPaint, unicodeGlyphs } from '../src/view/style.ts';

const start = Date.UTC(2026, 0, 31, 12);

function event<T extends keyof FlashEvents>(seconds: number, type: T, data: FlashEvents[T]): FlashEvent {
  const time = new Date(start + seconds * 1000).toISOString();
  // The pair comes from one generic call; TypeScript cannot follow that into the union.
  return { v: 1, seq: 1, time, source: 'test', type, data } as FlashEvent;
}

const at = (
  seconds: number,
  target: string,
  state: FlashEvents['flash.target']['state'],
  percent: number,
  more: Partial<FlashEvents['flash.target']> = {},
): FlashEvent =>
  event(seconds, 'flash.target', {
    ...{ target, path: target, state, doneBytes: percent * 1e7, verifiedBytes: 0, totalBytes: 1e9 },
    ...{ bytesPerSecond: 0, behind: false, queueDepth: 2, ...more },
  });

const targets = [
  '/dev/sdb',
  '/dev/sdc',
  '/dev/sdd',
  '/dev/disk/by-id/usb-Vendor_A_rather_long_name_0123456789-0:0',
];

const story: readonly FlashEvent[] = [
  event(0, 'flash.started', {
    image: '/images/web.raw',
    format: 'raw',
    sizeBytes: 1e9,
    targets: targets.map((target) => ({ target, path: target, description: target })),
  }),
  event(0.5, 'flash.checking', { doneBytes: 4e8, totalBytes: 1e9 }),
  event(1, 'flash.checking', { doneBytes: 1e9, totalBytes: 1e9 }),
  at(2, '/dev/sdb', 'writing', 45, { bytesPerSecond: 23.4e6, etaMs: 65_000 }),
  at(2, '/dev/sdc', 'resuming', 10),
  event(2, 'flash.target-failed', {
    target: '/dev/sdd',
    path: '/dev/sdd',
    state: 'failed',
    code: 'FLASHER_VERIFY',
    message: '/dev/sdd gives back something else\u001B[2J at byte 4096: do not use this device',
    offsetBytes: 4096,
  }),
  at(2, targets[3] ?? '', 'writing', 100, { bytesPerSecond: 5e6, behind: true }),
];

const state = story.reduce(reduceFlash, initialFlashState);
const style = { paint: noPaint, glyphs: unicodeGlyphs, now: start + 3000 };

describe('the table', () => {
  test('has a row for each target, with state, speed, time left and errors', () => {
    const lines = flashLines(state, { ...style, columns: 120, rows: 24 });
    expect(lines).toEqual([
      'web.raw → 4 targets',
      expect.stringMatching(/^\S sdb {31}45% {2}23 MB\/s {2}1m04s$/),
      expect.stringMatching(/^\S sdc {31}10% {18}continues where it was$/),
      expect.stringMatching(
        /^✖ sdd {32}0% \/dev\/sdd gives back something else at byte 4096: do not use this device$/,
      ),
      expect.stringMatching(
        /^\S usb-Vendor_A_rat…_0123456789-0:0 100% 5\.0 MB\/s {9}slower than the others$/,
      ),
      expect.stringMatching(/^━+─+ 51% {2}3\.0s, about 1m04s left$/),
    ]);
  });

  test.each([
    [40, 24],
    [40, 5],
    [20, 3],
    [1, 1],
  ])('fits in %i columns and %i rows', (columns, rows) => {
    const lines = flashLines(state, { ...style, columns, rows, glyphs: asciiGlyphs });
    expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(1, columns - 1));
  });

  test('keeps name, percentage, speed and time left on forty columns', () => {
    const row = flashLines(state, { ...style, columns: 40, rows: 24 })[1];
    expect(row).toMatch(/^\S sdb +45% {2}23 MB\/s {2}1m04s$/);
  });

  test('folds what is complete or waits first, and a failure last', () => {
    const many = Array.from({ length: 20 }, (_, index) => `/dev/sd${index}`);
    const events = [
      event(0, 'flash.started', {
        image: 'x.raw',
        format: 'raw',
        targets: many.map((target) => ({ target, path: target, description: target })),
      }),
      ...many.slice(0, 12).map((target) => at(1, target, 'writing', 3)),
      event(1, 'flash.target-completed', {
        ...{ target: '/dev/sd0', path: '/dev/sd0', sizeBytes: 1e9, wroteBytes: 1e9, resumedBytes: 0 },
        ...{ readBack: 'direct', durationMs: 10_000 },
      }),
      event(1, 'flash.target-failed', {
        ...{ target: '/dev/sd11', path: '/dev/sd11', state: 'failed', code: 'X', message: 'bad' },
      }),
    ];
    const lines = flashLines(events.reduce(reduceFlash, initialFlashState), {
      ...style,
      columns: 80,
      rows: 8,
    });
    expect(lines.slice(0, 3)).toEqual([
      '✔ 1 complete',
      '· 8 to come',
      expect.stringMatching(/^✖ sd11 .*bad$/),
    ]);
    expect(lines.at(-2)).toBe('… and 8 more');
    expect(lines).toHaveLength(7);
  });

  test('says that the image is checked, and no more than it knows of one without a size', () => {
    const checking = story.slice(0, 2).reduce(reduceFlash, initialFlashState);
    expect(flashLines(checking, { ...style, columns: 80, rows: 24 }).at(-1)).toMatch(
      / 40% {2}3\.0s, checking the image$/,
    );
    const unknown = [
      event(0, 'flash.started', {
        image: 'x.gz',
        format: 'gzip',
        targets: [{ target: 'a', path: 'a', description: 'a' }],
      }),
      event(1, 'flash.target', {
        ...{ target: 'a', path: 'a', state: 'writing', doneBytes: 3 * 1024 ** 2, verifiedBytes: 0 },
        ...{ bytesPerSecond: 1e6, behind: false, queueDepth: 1 },
      }),
    ] as const;
    expect(
      flashLines(unknown.reduce(reduceFlash, initialFlashState), { ...style, columns: 80, rows: 24 })[1],
    ).toMatch(/^\S a 3\.0 MiB 1\.0 MB\/s$/);
  });
});

test('two targets of the same last name are told apart by their whole paths', () => {
  expect(shortNames(['/a/x.raw', '/b/x.raw', '/c/y.raw'])).toEqual(['/a/x.raw', '/b/x.raw', 'y.raw']);
});

test('without a terminal each event is a line, progress now and then, and no escape gets through', () => {
  const more = [46, 47, 71, 72].map((percent, index) => at(2.5 + index / 10, '/dev/sdb', 'writing', percent));
  let plain = initialFlashPlainState;
  const lines = [...story, ...more].flatMap((one) => {
    const next = flashPlainLine(plain, one);
    plain = next.state;
    return next.text === undefined ? [] : [`${next.stamp} ${next.text}`];
  });
  expect(lines).toEqual([
    '[   0.0 s] /images/web.raw (raw, 954 MiB) -> 4 targets',
    '[   0.5 s] checking the image',
    '[   1.0 s] the image is what its checksum says',
    '[   2.0 s] sdb: writing (45 %, 23 MB/s, about 1m05s left)',
    '[   2.0 s] sdc: continues where an earlier flash was cut',
    '[   2.0 s] sdd: FAILED: /dev/sdd gives back something else at byte 4096: do not use this device',
    expect.stringMatching(/^\[ {3}2\.0 s\] usb-.*: writing \(100 %, 5\.0 MB\/s\)$/),
    '[   2.7 s] sdb: writing (71 %)',
  ]);
});

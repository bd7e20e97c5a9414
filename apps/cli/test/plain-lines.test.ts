import { expect, test } from 'vitest';
import type { BuildEvent } from '../src/view/build-event.ts';
import { initialPlainState, plainLines } from '../src/view/plain-lines.ts';
import { event, story } from './support/events.ts';

function told(events: readonly BuildEvent[]): string[] {
  let state = initialPlainState;
  return events.flatMap((each) => {
    const { state: next, lines } = plainLines(state, each);
    state = next;
    return lines.map(({ stamp, text }) => `${stamp} ${text}`);
  });
}

test('a line an event, progress now and then, no noise', () => {
  expect(told(story)).toEqual([
    '[   0.0 s   0 %] build demo continues: /r/demo.yaml -> /out/demo',
    '[   0.1 s   0 %] media: skipped (not requested)',
    '[   0.1 s   0 %] preflight: reused (nothing changed)',
    '[   0.2 s   0 %] apps: started (inputs changed: apps.0.name)',
    '[   1.0 s   0 %] apps: downloaded 30 %',
    '[   2.0 s   0 %] apps: download failed, again in 2.0 s, 1 retry left: connection reset',
    '[   5.0 s   0 %] apps: done in 4.8 s',
    '[   5.0 s  30 %] disk: started (upstream apps runs again)',
    '[   7.0 s  30 %] disk: 30 %, unpacking',
    '[  12.5 s  30 %] disk: 32 %, unpacking',
    '[  15.0 s  30 %] disk: done in 10 s',
    '[  15.0 s  30 %] app-install: started again (attempt 2) (upstream disk runs again)',
    '[  16.0 s  30 %] build machine: started (tcg)',
    '[  17.0 s  30 %] app nginx: packages started',
  ]);
});

test('bad ends are told', () => {
  expect(
    told([
      event(0, 'checkpoint.quarantined', { path: '/o/x.torn', reason: 'torn' }),
      event(1, 'vm.verdict', {
        kind: 'panic',
        summary: 'the kernel panicked',
        lastConsoleLines: [],
        consoleLog: '/l',
      }),
      event(2, 'phase.failed', {
        phase: 'app-install',
        attempt: 1,
        message: 'phase "app-install" failed: it broke\nand more',
      }),
      event(3, 'phase.cancelled', { phase: 'disk', late: true }),
      event(4, 'cleanup.failed', { what: 'ledger', resource: '/o/tree', message: 'busy' }),
      event(5, 'events.dropped', { count: 7 }),
    ]),
  ).toEqual([
    '[   0.0 s   0 %] the earlier record was not usable (torn) and is kept as /o/x.torn',
    '[   1.0 s   0 %] build machine ended: panic: the kernel panicked',
    '[   2.0 s   0 %] app-install: FAILED: it broke',
    '[   3.0 s   0 %] disk: cancelled (cut off)',
    '[   4.0 s   0 %] warning: clean-up of /o/tree failed: busy',
    '[   5.0 s   0 %] 7 events were not shown',
  ]);
});

test('what a guest says cannot become an escape sequence', () => {
  const evil = 'a\u001B]0;title\u0007b\u001B[2Jc\u009B31md\u202Ee\rlast';
  const [line = ''] = told([
    event(0, 'guest.step', { app: 'x', step: evil, state: 'failed', message: 'no' }),
  ]);
  expect(line).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202E]/);
});

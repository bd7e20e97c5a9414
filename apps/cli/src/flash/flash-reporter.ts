import type { FlashRunResult } from '@osforge/flasher';
import type { Host } from '../host/host.ts';
import { canDraw, wantsColours } from '../report/display.ts';
import type { Reporter } from '../report/reporter.ts';
import { glyphsFor, noPaint, type Paint } from '../view/style.ts';
import type { FlashEvent } from './flash-event.ts';
import { flashHeadline } from './flash-headline.ts';

export type FlashReporter = Reporter<FlashEvent, FlashRunResult>;

/** The way of showing a flash that fits the flags and the place. */
export async function flashReporter(
  image: string,
  flags: { readonly json?: true; readonly quiet?: true },
  host: Host,
): Promise<FlashReporter> {
  if (flags.json) return (await import('../report/json-reporter.ts')).jsonReporter(host);
  const end = (paint: Paint) => (result: FlashRunResult | undefined) => {
    if (result?.outcome !== 'completed') return;
    host.stdout.write(`${paint.green(flashHeadline(image, result))}\n`);
  };
  const note = (text: string): void => {
    host.stderr.write(`${text}\n`);
  };
  const pause = () => (): void => {};
  if (flags.quiet) return { event: () => {}, note, pause, end: end(noPaint) };
  const paint: Paint = wantsColours(host.env, host.stdout.isTTY) ? await import('yoctocolors') : noPaint;
  if (!canDraw(host.env, host.stdout.isTTY))
    return { ...(await plain(host, paint)), note, pause, end: end(paint) };
  const { liveScreen } = await import('../report/live-screen.ts');
  const { flashLines } = await import('./flash-lines.ts');
  const { initialFlashState, reduceFlash } = await import('./flash-state.ts');
  let state = initialFlashState;
  const screen = liveScreen(
    host,
    { paint, glyphs: glyphsFor(host.env) },
    { lines: (frame) => flashLines(state, frame), isEmpty: () => state.targets.length === 0 },
  );
  return {
    event: (event) => {
      state = reduceFlash(state, event);
      screen.changed();
    },
    note: screen.note,
    pause: screen.pause,
    end: (result) => {
      screen.stop();
      end(paint)(result);
    },
  };
}

/** A line an event. */
async function plain(host: Host, paint: Paint): Promise<Pick<FlashReporter, 'event'>> {
  const { flashPlainLine, initialFlashPlainState } = await import('./flash-plain-lines.ts');
  let state = initialFlashPlainState;
  return {
    event: (event) => {
      const line = flashPlainLine(state, event);
      state = line.state;
      if (line.text !== undefined) host.stdout.write(`${paint.dim(line.stamp)} ${line.text}\n`);
    },
  };
}

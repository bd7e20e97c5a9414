import type { Host } from '../host/host.ts';
import { glyphsFor, noPaint, type Paint } from '../view/style.ts';
import { canDraw, wantsColours } from './display.ts';
import type { Reporter } from './reporter.ts';

/** The way of showing a build that fits the flags and the place. */
export async function chooseReporter(
  flags: { readonly json?: true; readonly quiet?: true },
  host: Host,
): Promise<Reporter> {
  if (flags.json) return (await import('./json-reporter.ts')).jsonReporter(host);
  if (flags.quiet) return (await import('./quiet-reporter.ts')).quietReporter(host);
  const paint: Paint = wantsColours(host.env, host.stdout.isTTY) ? await import('yoctocolors') : noPaint;
  if (canDraw(host.env, host.stdout.isTTY)) {
    const { liveReporter } = await import('./live-reporter.ts');
    return liveReporter(host, { paint, glyphs: glyphsFor(host.env) });
  }
  return (await import('./plain-reporter.ts')).plainReporter(host, paint);
}

import type { Host } from '../host/host.ts';
import type { Reporter } from './reporter.ts';

/** The way of showing a build that fits the flags and the place. */
export async function chooseReporter(
  flags: { readonly json?: true; readonly quiet?: true },
  host: Host,
): Promise<Reporter> {
  if (flags.json) return (await import('./json-reporter.ts')).jsonReporter(host);
  if (flags.quiet) return (await import('./quiet-reporter.ts')).quietReporter(host);
  return (await import('./plain-reporter.ts')).plainReporter(host);
}

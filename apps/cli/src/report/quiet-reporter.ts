import type { Host } from '../host/host.ts';
import { headline, shortPath } from '../view/summary-lines.ts';
import type { Reporter } from './reporter.ts';

/** Nothing but how it ended. */
export function quietReporter(host: Pick<Host, 'stdout' | 'stderr' | 'cwd'>): Reporter {
  return {
    event: () => {},
    note: (text) => {
      host.stderr.write(`${text}\n`);
    },
    pause: () => () => {},
    end: (result) => {
      if (result?.outcome !== 'completed' && result?.outcome !== 'unchanged') return;
      host.stdout.write(`${headline(result)} See ${shortPath(result.directory, host.cwd)}\n`);
    },
  };
}

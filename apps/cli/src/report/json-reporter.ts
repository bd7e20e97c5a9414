import type { BusEvent } from '@osforge/event-bus';
import type { Host } from '../host/host.ts';
import { jsonLine } from './json-line.ts';
import type { Reporter } from './reporter.ts';

/** The events as NDJSON on standard output, and nothing else there. */
export function jsonReporter(host: Pick<Host, 'stdout' | 'stderr'>): Reporter<BusEvent, unknown> {
  return {
    event: (event) => {
      host.stdout.write(jsonLine(event));
    },
    note: (text) => {
      host.stderr.write(`${text}\n`);
    },
    pause: () => () => {},
    end: () => {},
  };
}

import type { BuildEvent } from './build-event.ts';

/** What has to stay readable above the live view; undefined for what the view itself shows. */
export function noticeOf(event: BuildEvent): string | undefined {
  switch (event.type) {
    case 'checkpoint.quarantined':
      return `The earlier record was not usable (${event.data.reason}) and is kept as ${event.data.path}.`;
    case 'phase.retrying': {
      const { phase, what, attempt, message } = event.data;
      return `${phase}: ${what} failed (attempt ${attempt}) and is tried again: ${message}`;
    }
    case 'cleanup.failed':
      return `Warning: clean-up of ${event.data.resource} failed: ${event.data.message}`;
    case 'events.dropped':
      return `${event.data.count} events are not shown.`;
    default:
      return undefined;
  }
}

import type { BusEvent } from '@osforge/event-bus';

/**
 * An event as one line of NDJSON. JSON itself escapes the control characters below 0x20; those above 0x7e, which
 * some terminals obey as well, are escaped here, so that the stream is safe to look at.
 */
export function jsonLine(event: BusEvent): string {
  const text = JSON.stringify(event).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}

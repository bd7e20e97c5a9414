import { stripVTControlCharacters } from 'node:util';

// Bidirectional overrides can make a line read as another one; they are as unwelcome as escapes.
const control = /[\p{Cc}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2028}\u{2029}\u{2066}-\u{2069}]/gu;

/**
 * One line that is safe to show. What a guest or a tool prints is not trusted: escape sequences go, a tab becomes
 * a space, of text that was written over itself with carriage returns the last state is left.
 */
export function cleanLine(text: string): string {
  const last = text.trimEnd().split('\r').at(-1) ?? '';
  return stripVTControlCharacters(last).replaceAll('\t', ' ').replace(control, '');
}

/** As {@link cleanLine} for several lines. */
export function cleanLines(text: string): string {
  return text.split('\n').map(cleanLine).join('\n');
}

/** The first line of what a phase failed with, without the phase's name: that stands beside it already. */
export function failureLine(message: string): string {
  const [first = ''] = message.split('\n', 1);
  return cleanLine(first.replace(/^phase "[^"]*" failed[^:]*: /, ''));
}

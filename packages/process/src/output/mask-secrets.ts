/** What a secret is replaced by. */
const maskText = '[secret]';

/** A part of a secret that is cut off by the end of the output is masked from this length on. */
const shortestMaskedRemainder = 4;

/** A line of a secret of several lines (a PEM key) is a secret by itself from this length on. */
const shortestMaskedLine = 8;

/** Masks secrets in text that comes in pieces. */
export interface SecretMask {
  /** The text that may be shown now. The beginning of what could become a secret is held back. */
  push(text: string): string;
  /** What was held back. */
  end(): string;
  /** A whole text at once, without touching what is held back. */
  whole(text: string): string;
}

function expand(secrets: readonly string[]): string[] {
  const all = new Set<string>();
  for (const secret of secrets) {
    if (secret !== '') all.add(secret);
    const lines = secret.split(/\r?\n/);
    if (lines.length > 1) for (const line of lines) if (line.length >= shortestMaskedLine) all.add(line);
  }
  return [...all].sort((a, b) => b.length - a.length);
}

const nothing: SecretMask = { push: (text) => text, end: () => '', whole: (text) => text };

/**
 * A mask for these secret values. A value is found also where it is split over pieces; an encoded form of it
 * (base64, URL) is a different value and has to be given too. Empty values are ignored.
 */
export function maskSecrets(secrets: readonly string[]): SecretMask {
  const values = expand(secrets);
  const longest = values[0];
  if (longest === undefined) return nothing;
  const pattern = new RegExp(
    values.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'),
    'g',
  );
  const whole = (text: string): string => text.replace(pattern, maskText);
  const isBeginning = (text: string): boolean =>
    values.some((value) => value.length > text.length && value.startsWith(text));
  let held = '';

  /** The first position from which the rest of `text` could grow into a secret; -1 if there is none. */
  const findBeginning = (text: string, from: number, until: number): number => {
    for (
      let at = Math.max(from, text.length - longest.length + 1);
      at <= until && at < text.length;
      at += 1
    ) {
      if (isBeginning(text.slice(at))) return at;
    }
    return -1;
  };

  return {
    whole,
    push(text) {
      const all = held + text;
      held = '';
      let shown = '';
      let position = 0;
      for (;;) {
        pattern.lastIndex = position;
        const match = pattern.exec(all);
        const next = match === null ? all.length : match.index;
        const beginning = findBeginning(all, position, next);
        if (beginning !== -1) {
          held = all.slice(beginning);
          return shown + all.slice(position, beginning);
        }
        shown += all.slice(position, next);
        if (match === null) return shown;
        shown += maskText;
        position = next + match[0].length;
      }
    },
    end() {
      const rest = held;
      held = '';
      // The output was cut within what looks like a secret: better to hide a word too much.
      const masked = whole(rest);
      return masked === rest && rest.length >= shortestMaskedRemainder ? maskText : masked;
    },
  };
}

/** Shorter values are not masked: they would blank out half of every log, and protect nothing. */
const shortestSecret = 4;

/** A line of a secret of several lines (a PEM key) is a secret by itself from this length on. */
const shortestLine = 8;

/** The secrets that one build has resolved so far, and how text is freed of them. Never written anywhere. */
export class SecretMask {
  readonly #values = new Set<string>();

  /** Remembers a resolved value, as it is, in base64, and line by line where it has several. Returns it. */
  add(value: string): string {
    if (value.length >= shortestSecret) {
      this.#values.add(value);
      this.#values.add(Buffer.from(value).toString('base64'));
    }
    const lines = value.split(/\r?\n/);
    if (lines.length > 1) for (const line of lines) if (line.length >= shortestLine) this.#values.add(line);
    return value;
  }

  /** The values, for those who check that none of them is written. */
  values(): readonly string[] {
    return [...this.#values];
  }

  /**
   * `text` with every value replaced by asterisks; the longest first, as one may hold another.
   * @param encode how values are written in `text`; default: as they are
   */
  mask(text: string, encode: (value: string) => string = (value) => value): string {
    let masked = text;
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      masked = masked.replaceAll(encode(value), '***');
    }
    return masked;
  }
}

/** Shorter values are not masked: they would blank out half of every log, and protect nothing. */
const shortestSecret = 4;

/** The secrets that one build has resolved so far, and how text is freed of them. Never written anywhere. */
export class SecretMask {
  readonly #values = new Set<string>();

  /** Remembers a resolved value, as it is and in base64. Returns it. */
  add(value: string): string {
    if (value.length >= shortestSecret) {
      this.#values.add(value);
      this.#values.add(Buffer.from(value).toString('base64'));
    }
    return value;
  }

  /** The values, for those who check that none of them is written. */
  values(): readonly string[] {
    return [...this.#values];
  }

  /** `text` with every value replaced by asterisks; the longest first, as one may hold another. */
  mask(text: string): string {
    let masked = text;
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      masked = masked.replaceAll(value, '***');
    }
    return masked;
  }
}

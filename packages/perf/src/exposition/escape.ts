/** Both formats are UTF-8, which cannot say half of a surrogate pair. */
const loneSurrogate = /\p{Surrogate}/gu;

/** The text with each half of a surrogate pair that stands alone made U+FFFD, as an encoder would. */
export function wellFormed(text: string): string {
  return text.replace(loneSurrogate, '\uFFFD');
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

/** A well-formed label value as it stands between quotes, in both formats. */
export function escapeLabelValue(value: string): string {
  return value.replace(/[\\\n"]/g, (each) => escapes[each] ?? each);
}

/** A help text; only OpenMetrics escapes the quote. */
export function escapeHelp(help: string, format: 'prometheus' | 'openmetrics'): string {
  const text = wellFormed(help);
  return format === 'openmetrics'
    ? escapeLabelValue(text)
    : text.replace(/[\\\n]/g, (each) => escapes[each] ?? each);
}

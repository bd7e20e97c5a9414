/** One selector of an expression: the metric, and the labels that it is asked for by. */
export interface NamedMetric {
  readonly name: string;
  readonly labels: readonly string[];
}

const words = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const operators = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);
/** They may stand before `by` as well as before a bracket. */
const aggregations = new Set(['sum', 'min', 'max', 'avg', 'count', 'topk', 'bottomk', 'quantile']);

/** The metrics that a PromQL expression names. The expression has to be valid: promtool says whether it is. */
export function namedMetrics(expression: string): NamedMetric[] {
  const found: NamedMetric[] = [];
  // Strings, durations in brackets and numbers go first: what is left of names are metrics, functions and keywords.
  const text = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/(?<![\w:])\d[\w.]*/g, '0');
  const token = /([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, name = '', behind] = match;
    if (words.has(name)) {
      // The names in the brackets are labels.
      if (behind === '(') token.lastIndex = text.indexOf(')', match.index) + 1;
    } else if (behind !== '(' && !operators.has(name) && !aggregations.has(name)) {
      const labels = [...(behind ?? '').matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)/g)].map(
        ([, label = '']) => label,
      );
      found.push({ name, labels });
    }
  }
  return found;
}

/** The name of the family that a series belongs to. */
export function familyOf(series: string, isHistogram: (name: string) => boolean): string {
  const base = series.replace(/_(bucket|sum|count)$/, '');
  return base !== series && isHistogram(base) ? base : series;
}

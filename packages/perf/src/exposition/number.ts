/** A sample's value. JavaScript's shortest form is read back to the same double by every parser of either format. */
export function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/**
 * A bound, in the one form that OpenMetrics allows it: whole numbers with `.0`, an exponent of two digits from
 * 1e+06 on and below 1e-04. The text format gets the same, so that the format does not change the series.
 * Source: "Considerations: Canonical Numbers" in the OpenMetrics 1.0 specification.
 */
export function formatBound(bound: number): string {
  if (bound === Infinity) return '+Inf';
  if (bound !== 0 && (bound >= 1e6 || bound < 1e-4)) {
    return bound.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

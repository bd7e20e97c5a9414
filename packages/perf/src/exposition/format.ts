/** The text formats that metrics are written in. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

/** The `Content-Type` of each: Prometheus text 0.0.4, OpenMetrics 1.0. */
export const contentTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/**
 * Chooses by the `Accept` header of a scrape: OpenMetrics when it is asked for by name, in version 1.0.0, 0.0.1 or
 * none, and preferred at least as much as `text/plain`; else Prometheus text, which everybody reads.
 *
 * @param accept undefined when there is no such header
 */
export function chooseFormat(accept: string | undefined): MetricsFormat {
  const openmetrics = qualityOf(accept ?? '', ['application/openmetrics-text']);
  const text = qualityOf(accept ?? '', ['text/plain', 'text/*', '*/*']);
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'prometheus';
}

/** The quality of the first of these types that the header names, most specific first; 0 when it names none. */
function qualityOf(accept: string, types: readonly string[]): number {
  const ranges = accept.split(',').map(parseRange);
  for (const type of types) {
    const known = ranges.filter((range) => range.type === type && speaks(range));
    if (known.length > 0) return Math.max(...known.map((range) => range.quality));
  }
  return 0;
}

interface MediaRange {
  readonly type: string;
  readonly version: string | undefined;
  /** 0 to 1; 0 refuses it. */
  readonly quality: number;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const values = new Map(parameters.map((each) => splitOnce(each)));
  const quality = Number(values.get('q') ?? '1');
  return { type, version: values.get('version'), quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

function splitOnce(parameter: string): [string, string] {
  const [name = '', value = ''] = parameter.split('=');
  return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')];
}

function speaks({ type, version }: MediaRange): boolean {
  if (version === undefined) return true;
  return type === 'application/openmetrics-text' ? ['1.0.0', '0.0.1'].includes(version) : version === '0.0.4';
}

import { InvalidMetricNameError } from './errors.ts';
import type { MetricType } from './family.ts';

/** Units that Prometheus counts in; one at the end of a name (before `_total`) is the unit of the metric. */
const baseUnits = new Set([
  ...[
    'seconds',
    'bytes',
    'ratio',
    'celsius',
    'kelvin',
    'joules',
    'grams',
    'meters',
    'volts',
    'amperes',
    'hertz',
  ],
]);

/** What `promtool check metrics` calls an abbreviation. */
const abbreviations = new Set([
  ...['s', 'ms', 'us', 'ns', 'sec', 'b', 'kb', 'mb', 'gb', 'tb', 'pb', 'm', 'h', 'd'],
]);

/** Prefixes of multiples, as promtool knows them (with its `mibi`). */
const prefix =
  /^(?:pico|nano|micro|milli|centi|deci|deca|hecto|kilo|kibi|mega|mebi|mibi|giga|gibi|tera|tebi|peta|pebi)/;

/** Units that have a base unit to be converted to before recording. */
const otherUnits: ReadonlyMap<string, string> = new Map([
  ['minutes', 'seconds'],
  ['hours', 'seconds'],
  ['days', 'seconds'],
  ['weeks', 'seconds'],
  ['bits', 'bytes'],
  ['percent', 'ratio'],
  ['percentage', 'ratio'],
  ['fahrenheit', 'celsius'],
  ['rankine', 'celsius'],
  ['kelvins', 'celsius'],
  ['inches', 'meters'],
  ['feet', 'meters'],
  ['yards', 'meters'],
  ['miles', 'meters'],
  ['ounces', 'grams'],
  ['pounds', 'grams'],
  ['calories', 'joules'],
]);

/** Endings that a histogram writes itself, or that tell readers of another type. */
const reservedEndings = ['_total', '_bucket', '_count', '_sum', '_created'];

/**
 * Checks a name against the text format, the convention for names and units, and what `promtool check metrics`
 * refuses: https://prometheus.io/docs/practices/naming/
 *
 * @returns the unit, read off the end of the name; undefined when it has none
 * @throws InvalidMetricNameError
 */
export function checkMetricName(name: string, type: MetricType): string | undefined {
  const refuse = (reason: string): never => {
    throw new InvalidMetricNameError(name, reason);
  };
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) {
    refuse('use lower-case letters, digits and _, and begin with a letter (`:` is for recording rules).');
  }
  if (name.startsWith('__')) refuse('names that begin with __ are reserved for Prometheus.');
  if (type === 'counter') {
    if (!/[^_]_total$/.test(name)) refuse('the name of a counter ends in _total.');
  } else {
    const ending = reservedEndings.find((each) => name.endsWith(each));
    if (ending !== undefined) refuse(`${ending} is reserved; a ${type} ends in its unit, such as _seconds.`);
  }
  const base = familyName(name, type);
  const words = base.split('_');
  for (const word of words) {
    const bare = word.replace(prefix, '');
    const unit = otherUnits.get(bare) ?? (bare !== word && baseUnits.has(bare) ? bare : undefined);
    if (unit !== undefined) refuse(`count in ${unit}, not in ${word}.`);
    if (abbreviations.has(word))
      refuse(`${word} is an abbreviation; write the unit out, such as seconds or bytes.`);
  }
  const typeWord = words.slice(1).find((word) => ['counter', 'gauge', 'histogram', 'summary'].includes(word));
  if (typeWord !== undefined) refuse(`the type (${typeWord}) does not belong in the name.`);
  const last = words.at(-1);
  return last !== undefined && baseUnits.has(last) ? last : undefined;
}

/** The name that OpenMetrics gives the family: that of a counter goes without `_total`. */
export function familyName(name: string, type: MetricType): string {
  return type === 'counter' ? name.slice(0, -'_total'.length) : name;
}

/** All names that the metric takes in either format, its own first. */
export function namesTaken(name: string, type: MetricType): readonly string[] {
  if (type === 'gauge') return [name];
  const family = familyName(name, type);
  if (type === 'counter') return [name, family];
  return [family, `${family}_bucket`, `${family}_count`, `${family}_sum`];
}

import { execFileSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import {
  chooseFormat,
  createRegistry,
  createRuntimeMetrics,
  formatMetrics,
  type Registry,
} from '@osforge/perf';

const help = 'For the test.';

/** Refuses what `promtool check metrics` (Debian package prometheus) does, by throwing with its words. */
function promtool(text: string): void {
  execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: 'pipe' });
}

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: string;
}

interface ParsedFamily {
  name: string;
  type: string;
  unit: string;
  help: string;
  samples: Sample[];
}

/** Reads a text with the reference parsers, which are strict (Debian package python3-prometheus-client). */
function reference(text: string, format: 'prometheus' | 'openmetrics'): ParsedFamily[] {
  const script = `
import json, sys
if sys.argv[1] == 'openmetrics':
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
else:
    from prometheus_client.parser import text_string_to_metric_families as parse
text = sys.stdin.buffer.read().decode('utf-8', 'strict')
print(json.dumps([{
    'name': f.name, 'type': f.type, 'unit': f.unit, 'help': f.documentation,
    'samples': [{'name': s.name, 'labels': s.labels, 'value': repr(float(s.value))} for s in f.samples],
} for f in parse(text)]))
`;
  const output = execFileSync('/usr/bin/python3', ['-c', script, format], { input: text, stdio: 'pipe' });
  // The script above makes just this.
  return JSON.parse(output.toString('utf8')) as ParsedFamily[];
}

async function textOf(registry: Registry, format: 'prometheus' | 'openmetrics'): Promise<string> {
  return formatMetrics(await registry.collect(), format);
}

/** One of each kind, with what is hard to write. */
function everything(): Registry {
  const registry = createRegistry({ maxSeries: 2 });
  registry
    .counter({ name: 'osforge_flushed_bytes_total', help: 'Bytes, "flushed" \\ and\nverified.' })
    .inc(2 ** 60);
  const gauge = registry.gauge({ name: 'osforge_queue', help: '', labels: ['phase', 'kind'] });
  gauge.labels({ phase: 'a"b\\c\nd\re\t', kind: '' }).set(-Infinity);
  gauge.labels({ phase: 'ü€😀\ud800', kind: '{},="' }).set(1e-300);
  gauge.labels({ phase: 'too', kind: 'many' }).set(Infinity);
  const bounds = [1e-7, 0.00005, 0.0001, 0.2, 1, 12, 999_999, 1e6, 1.25e7, 1e14];
  const histogram = registry.histogram({ name: 'osforge_wait_seconds', help, labels: ['phase'], bounds });
  for (const value of [0, 0.2, 0.2000001, 12, 1e20]) histogram.labels({ phase: 'disk' }).record(value);
  registry.histogram({ name: 'osforge_idle_seconds', help });
  registry.counter({ name: 'osforge_never_total', help, labels: ['phase'] });
  return registry;
}

describe.each(['prometheus', 'openmetrics'] as const)('%s', (format) => {
  test('everything is read by the reference parser as it was meant', async () => {
    const families = reference(await textOf(everything(), format), format);
    const bytes = families.find(({ name }) => name.startsWith('osforge_flushed'));
    expect(bytes).toMatchObject({
      name: 'osforge_flushed_bytes',
      type: 'counter',
      unit: format === 'openmetrics' ? 'bytes' : '',
      help: 'Bytes, "flushed" \\ and\nverified.',
      samples: [{ name: 'osforge_flushed_bytes_total', labels: {}, value: '1.152921504606847e+18' }],
    });
    const queue = families.find(({ name }) => name === 'osforge_queue');
    expect(queue?.samples.map(({ labels, value }) => [labels, value])).toEqual([
      [{ phase: 'a"b\\c\nd\re\t', kind: '' }, '-inf'],
      [{ phase: 'ü€😀\ufffd', kind: '{},="' }, '1e-300'],
      [{ phase: '_overflow', kind: '_overflow' }, 'inf'],
    ]);
    const wait = families.find(({ name }) => name === 'osforge_wait_seconds');
    const buckets = wait?.samples.filter(({ name }) => name.endsWith('_bucket'));
    expect(buckets?.map(({ labels, value }) => [labels['le'], Number(value)])).toEqual([
      ['1e-07', 1],
      ['5e-05', 1],
      ['0.0001', 1],
      ['0.2', 2],
      ['1.0', 3],
      ['12.0', 4],
      ['999999.0', 4],
      ['1e+06', 4],
      ['1.25e+07', 4],
      ['1e+14', 4],
      ['+Inf', 5],
    ]);
  });

  test('any label value comes back as it went, but for halves of surrogate pairs', async () => {
    const hard = [
      '\\',
      '\n',
      '"',
      '\\n',
      '\\"',
      '\r',
      '\0',
      '\u2028',
      '\ud83d',
      '\ude00',
      '😀',
      'é',
      ',',
      '}',
      ' ',
      'a',
      '#',
    ];
    let state = 7;
    const draw = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const values = new Set(
      Array.from({ length: 400 }, () =>
        Array.from({ length: draw(8) }, () => hard[draw(hard.length)]).join(''),
      ),
    );
    const registry = createRegistry();
    const gauge = registry.gauge({ name: 'osforge_queue', help, labels: ['text'] });
    for (const text of values) gauge.labels({ text }).inc();
    const families = reference(await textOf(registry, format), format);
    const read = families.find(({ name }) => name === 'osforge_queue')?.samples ?? [];
    // As an encoder to UTF-8 makes it.
    const expected = new Set([...values].map((text) => Buffer.from(text).toString()));
    expect(read.map(({ labels }) => labels['text']).sort()).toEqual([...expected].sort());
    expect(read.reduce((sum, { value }) => sum + Number(value), 0)).toBe(values.size);
  });

  test('values come back to the last bit', async () => {
    const values = [0, -0.1, 1 / 3, Number.MAX_VALUE, 5e-324, 2 ** 53, 1e21, 123_456_789.123];
    const registry = createRegistry();
    const gauge = registry.gauge({ name: 'osforge_queue', help, labels: ['index'] });
    values.forEach((value, index) => {
      gauge.labels({ index: String(index) }).set(value);
    });
    const families = reference(await textOf(registry, format), format);
    const read = families.find(({ name }) => name === 'osforge_queue')?.samples ?? [];
    expect(read.map(({ value }) => Number(value))).toEqual(values);
  });
});

test('promtool finds nothing to say of everything, nor of the runtime metrics', async () => {
  const registry = everything();
  const runtime = createRuntimeMetrics(registry, { owner: 'the test', folders: ['/'] });
  runtime.start();
  try {
    // An empty help is allowed by the format, but promtool wants one.
    registry.remove('osforge_queue');
    promtool(await textOf(registry, 'prometheus'));
    expect(reference(await textOf(registry, 'openmetrics'), 'openmetrics').length).toBeGreaterThan(25);
  } finally {
    runtime.stop();
  }
});

test('promtool has nothing to say of any unit in a name that is accepted', () => {
  const prefixes = [
    '',
    'pico',
    'nano',
    'milli',
    'deca',
    'hecto',
    'kilo',
    'kibi',
    'mibi',
    'mega',
    'peta',
    'pebi',
  ];
  const units = ['seconds', 'minutes', 'days', 'bytes', 'bits', 'meters', 'miles', 'yards', 'inches', 'feet'];
  const more = ['grams', 'pounds', 'ounces', 'celsius', 'kelvin', 'kelvins', 'rankine', 'joules', 'calories'];
  const electric = ['volts', 'amperes', 'hertz', 'percent', 'ratio', 'ms', 'kb'];
  const names = [...units, ...more, ...electric].flatMap((unit) =>
    prefixes.map((prefix) => `osforge_measured_${prefix}${unit}`),
  );
  const accepted = names.filter((name) => {
    try {
      createRegistry().gauge({ name, help: 'Measured.' });
      return true;
    } catch {
      return false;
    }
  });
  expect(accepted).toContain('osforge_measured_seconds');
  expect(accepted.length).toBeLessThan(names.length);
  promtool(accepted.map((name) => `# HELP ${name} Measured.\n# TYPE ${name} gauge\n${name} 1\n`).join(''));
});

test('promtool and the parser do refuse what is wrong, so that the tests above can fail', async () => {
  const good = await textOf(everything(), 'openmetrics');
  expect(() => reference(good.replace('# EOF\n', ''), 'openmetrics')).toThrow();
  expect(() => reference(good.replace('_bytes bytes\n', '_bytes seconds\n'), 'openmetrics')).toThrow();
  expect(() => {
    promtool('# HELP waitMs x\n# TYPE waitMs gauge\nwaitMs 1\n');
  }).toThrow();
});

test('OpenMetrics has `# UNIT`, `_total` on samples only, and ends with `# EOF`', async () => {
  const text = await textOf(everything(), 'openmetrics');
  expect(text).toContain(
    '# TYPE osforge_flushed_bytes counter\n# UNIT osforge_flushed_bytes bytes\nosforge_flushed_bytes_total ',
  );
  expect(text.endsWith('\n# EOF\n')).toBe(true);
  expect(await textOf(everything(), 'prometheus')).not.toMatch(/# UNIT|# EOF/);
});

test.each([
  [undefined, 'prometheus'],
  ['', 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/html', 'prometheus'],
  ['application/openmetrics-text', 'openmetrics'],
  ['Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
  ['application/openmetrics-text;version=2.0.0', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
  ['application/openmetrics-text;q=nonsense', 'prometheus'],
  ['application/openmetrics-text;q=0.3,text/plain;q=0.5', 'prometheus'],
  ['text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.6', 'openmetrics'],
  // Prometheus 2.42 and 3.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.1',
    'openmetrics',
  ],
])('Accept: %s gives %s', (accept, format) => {
  expect(chooseFormat(accept)).toBe(format);
});

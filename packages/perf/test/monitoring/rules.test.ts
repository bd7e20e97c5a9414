import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { alertLimits, catalog } from '@osforge/perf/catalog';
import { describe, expect, test } from 'vitest';
import { allExpectations, allRules } from './alerts.ts';
import { liveFamilies } from './live-families.ts';
import { familyOf, namedMetrics } from './named-metrics.ts';
import { filesOf, monitoring, repository, rules, ruleTests } from './places.ts';

const run = promisify(execFile);
const allRulesNow = await allRules();
const alerts = allRulesNow.flatMap((rule) =>
  rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }],
);
const recorded = new Set(allRulesNow.map(({ record }) => record));

test('promtool accepts all rules and the example configuration', async () => {
  await run('promtool', ['check', 'rules', ...(await filesOf(rules))]);
  await run('promtool', ['check', 'config', path.join(monitoring, 'prometheus/prometheus.example.yml')]);
});

test('promtool runs the unit tests of the rules', async () => {
  const files = await filesOf(ruleTests);
  const { stdout } = await run('promtool', ['test', 'rules', ...files]);
  expect(stdout.match(/SUCCESS/g)).toHaveLength(files.length);
});

test('the alerts that were asked for are there', () => {
  expect(alerts.map(({ alert }) => alert)).toEqual(
    expect.arrayContaining([
      'OsforgePluginLoadSlow',
      'OsforgeUsbLatencyHigh',
      'OsforgeMemoryGrowth',
      'OsforgeShutdownSlow',
      'OsforgeBuildFailed',
      'OsforgeCheckpointWriteSlow',
      'OsforgeEventsDropped',
      'OsforgeCaptureVerifyFailed',
      'OsforgeDiskFullSoon',
    ]),
  );
});

describe.each(alerts)('$alert', ({ alert, expr, labels, annotations }) => {
  test('is seen firing and not firing in a unit test', async () => {
    const expected = (await allExpectations()).filter(({ alertname }) => alertname === alert);
    expect(expected.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true);
    expect(expected.some(({ exp_alerts }) => exp_alerts.length === 0)).toBe(true);
  });

  test('has a severity, words, and a section in the runbooks', async () => {
    expect(labels?.['severity']).toMatch(/^(warning|critical)$/);
    expect(annotations?.['summary']).toBeTruthy();
    expect(annotations?.['description']).toBeTruthy();
    expect(annotations?.['runbook_url']).toBe(`docs/runbooks.md#${alert.toLowerCase()}`);
    const runbooks = await readFile(path.join(repository, 'docs/runbooks.md'), 'utf8');
    expect(runbooks.split('\n')).toContain(`## ${alert}`);
  });

  test('names only metrics and labels that there are', async () => {
    await expectKnown(expr);
  });
});

test('recorded rules name only metrics that there are', async () => {
  for (const { expr } of allRulesNow) await expectKnown(expr);
});

test('the runbooks have no section for an alert that is not there', async () => {
  const runbooks = await readFile(path.join(repository, 'docs/runbooks.md'), 'utf8');
  const sections = [...runbooks.matchAll(/^## (Osforge\w+)$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

test.each([
  ['OsforgeUsbLatencyHigh', alertLimits.usbEventLatencySeconds, 'osforge_usb_event_latency_seconds'],
  ['OsforgePluginLoadSlow', alertLimits.pluginLoadSeconds, 'osforge_plugin_load_duration_seconds'],
  [
    'OsforgeCheckpointWriteSlow',
    alertLimits.checkpointWriteSeconds,
    'osforge_build_checkpoint_write_duration_seconds',
  ],
  ['OsforgeShutdownSlow', alertLimits.shutdownSeconds, undefined],
  ['OsforgeMemoryGrowth', alertLimits.memoryGrowthBytesPerHour, undefined],
])('the limit of %s is %d, and a bound of the histogram is exactly there', (alert, limit, histogram) => {
  const expr = alerts.find((each) => each.alert === alert)?.expr ?? '';
  expect(Number(/> ([\d.e]+)$/m.exec(expr)?.[1])).toBe(limit);
  if (histogram === undefined) return;
  const metric = catalog.flatMap(({ metrics }) => metrics).find(({ name }) => name === histogram);
  expect(metric?.bounds).toContain(limit);
});

async function expectKnown(expr: string): Promise<void> {
  const families = await liveFamilies();
  const named = namedMetrics(expr).filter(({ name }) => !recorded.has(name));
  for (const { name, labels } of named) {
    const family = families.get(familyOf(name, (base) => families.get(base)?.type === 'histogram'));
    expect(family, `${name} in ${expr}`).toBeDefined();
    const known = [...(family?.labelNames ?? []), 'job', 'instance', 'le'];
    expect(known, `labels of ${name} in ${expr}`).toEqual(expect.arrayContaining([...labels]));
  }
}

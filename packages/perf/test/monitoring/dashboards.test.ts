import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { allRules } from './alerts.ts';
import { dashboards } from './dashboards/index.ts';
import { renderDashboard } from './dashboards/dashboard.ts';
import { liveFamilies } from './live-families.ts';
import { familyOf, namedMetrics } from './named-metrics.ts';
import { filesOf, monitoring } from './places.ts';
import { expectWritten, formatJson } from './written.ts';

const run = promisify(execFile);
const folder = path.join(monitoring, 'grafana');
const fileOf = (name: string): string => path.join(folder, `${name}.json`);

/** The parts of a dashboard that the tests look at. */
interface Shown {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { name: string; type: string; definition?: string }[] };
  readonly panels: readonly {
    id: number;
    title: string;
    datasource: { uid: string };
    gridPos: { x: number; y: number; w: number; h: number };
    fieldConfig: { defaults: { unit: string } };
    targets: readonly { refId: string; expr: string; datasource: { uid: string } }[];
  }[];
}

async function shown(name: string): Promise<Shown> {
  // As the dashboards here are written.
  return JSON.parse(await readFile(fileOf(name), 'utf8')) as Shown;
}

test('every file is one of the dashboards, and their uids differ', async () => {
  expect(await filesOf(folder)).toEqual(Object.keys(dashboards).map(fileOf).sort());
  const uids = Object.values(dashboards).map(({ uid }) => uid);
  expect(new Set(uids).size).toBe(uids.length);
});

describe.each(Object.entries(dashboards))('%s', (name, dashboard) => {
  test('is as its source says', async () => {
    await expectWritten(fileOf(name), formatJson(renderDashboard(dashboard)));
  });

  test('can be imported: schema, unique ids, panels that do not overlap, a data source to choose', async () => {
    const { uid, title, schemaVersion, panels, templating } = await shown(name);
    expect(uid).toMatch(/^[a-z0-9-]{1,40}$/);
    expect(title).toContain('osforge');
    expect(schemaVersion).toBeGreaterThanOrEqual(36);
    expect(templating.list[0]).toMatchObject({ name: 'DS_PROMETHEUS', type: 'datasource' });
    expect(templating.list.length).toBeGreaterThan(1);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { datasource, fieldConfig, targets } of panels) {
      expect(datasource.uid).toBe('${DS_PROMETHEUS}');
      expect(fieldConfig.defaults.unit).toBeTruthy();
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
    const taken = new Map<string, string>();
    for (const { title: panel, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x},${y}`), `${panel} overlaps`).toBeUndefined();
          taken.set(`${x},${y}`, panel);
        }
      }
    }
  });

  test('every query is PromQL, by promtool', async () => {
    const { panels } = await shown(name);
    const rules = panels
      .flatMap(({ targets }) => targets)
      .map(({ expr }, index) => ({ record: `test:query${index}`, expr: withoutVariables(expr) }));
    const temporary = await mkdtemp(path.join(tmpdir(), 'osforge-dashboards-'));
    try {
      const file = path.join(temporary, 'rules.yml');
      // JSON is YAML.
      await writeFile(file, JSON.stringify({ groups: [{ name: 'test', rules }] }));
      const { stdout } = await run('promtool', ['check', 'rules', file]);
      expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
    } finally {
      await rm(temporary, { recursive: true });
    }
  });

  test('names only metrics, labels and variables that there are', async () => {
    const { panels, templating } = await shown(name);
    const families = await liveFamilies();
    const recorded = new Set((await allRules()).map(({ record }) => record));
    const variables = templating.list.map(({ definition }) => definition ?? '').filter((text) => text !== '');
    for (const definition of variables) {
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
      const known = [...(families.get(metric)?.labelNames ?? []), 'job', 'instance'];
      expect(families.has(metric), definition).toBe(true);
      expect(known).toContain(label);
    }
    const names = new Set(templating.list.map((variable) => variable.name));
    for (const { expr } of panels.flatMap(({ targets }) => targets)) {
      for (const [, variable = ''] of expr.matchAll(/\$(\w+)/g)) {
        expect([...names, '__rate_interval'], expr).toContain(variable);
      }
      for (const { name: series, labels } of namedMetrics(expr)) {
        if (recorded.has(series)) continue;
        const family = families.get(familyOf(series, (base) => families.get(base)?.type === 'histogram'));
        expect(family, `${series} in ${expr}`).toBeDefined();
        const known = [...(family?.labelNames ?? []), 'job', 'instance', 'le'];
        expect(known, expr).toEqual(expect.arrayContaining([...labels]));
      }
    }
  });
});

/** As Grafana fills them in. */
function withoutVariables(expr: string): string {
  return expr.replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.*');
}

import { renderPanel, type Panel } from './panel.ts';

/** A list to choose from at the top: the values of a label. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** A metric that has the label of that name. */
  readonly metric: string;
}

export interface Dashboard {
  /** Name of the file, and unique among all dashboards of a Grafana. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly refresh: string;
  readonly from: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly (readonly Panel[])[];
}

const columns = 24;

/** As Grafana's import takes it. The data source is a variable, so that provisioning works as well as import. */
export function renderDashboard(dashboard: Dashboard): object {
  const { uid, title, description, refresh, from, variables, rows } = dashboard;
  return {
    uid,
    title,
    description,
    tags: ['osforge'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from, to: 'now' },
    refresh,
    annotations: { list: [] },
    links: [],
    templating: {
      list: [
        { name: 'DS_PROMETHEUS', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0 },
        ...variables.map(renderVariable),
      ],
    },
    panels: layOut(rows),
  };
}

function renderVariable({ name, label, metric }: Variable): object {
  const query = `label_values(${metric}, ${name})`;
  return {
    name,
    label,
    type: 'query',
    datasource: { type: 'prometheus', uid: '${DS_PROMETHEUS}' },
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
    hide: 0,
  };
}

/** Side by side in the order given, each row below the one before. */
function layOut(rows: readonly (readonly Panel[])[]): object[] {
  const placed: object[] = [];
  let y = 0;
  for (const row of rows) {
    let x = 0;
    for (const panel of row) {
      if (x + panel.width > columns) throw new Error(`${panel.title} does not fit into its row`);
      placed.push(renderPanel(panel, placed.length + 1, { x, y }));
      x += panel.width;
    }
    y += Math.max(...row.map(({ height = 8 }) => height));
  }
  return placed;
}

/** The percentiles that Prometheus makes of buckets, as queries. */
export function percentiles(metric: string, matchers: string, by: string): Panel['queries'] {
  return [0.5, 0.95, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (${by === '' ? '' : `${by}, `}le) (rate(${metric}_bucket{${matchers}}[$__rate_interval])))`,
    legend: `${by === '' ? '' : `{{${by}}} `}p${quantile * 100}`,
  }));
}

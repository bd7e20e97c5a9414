/** One line of a panel. */
export interface Query {
  readonly expr: string;
  /** Name in the legend, such as `{{phase}}`. */
  readonly legend: string;
}

/** A panel, without its place. */
export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly type: 'timeseries' | 'stat' | 'bargauge' | 'state-timeline';
  /** Grafana's name of the unit: s, bytes, percentunit, short, ops, … */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Drawn as a line at an alert's limit; what lies beyond is red. */
  readonly limit?: number;
  /** Of 24 columns. */
  readonly width: number;
  readonly height?: number;
}

const datasource = { type: 'prometheus', uid: '${DS_PROMETHEUS}' };

function thresholds(limit: number | undefined): object {
  const steps: { color: string; value: number | null }[] = [{ color: 'green', value: null }];
  if (limit !== undefined) steps.push({ color: 'red', value: limit });
  return { mode: 'absolute', steps };
}

/** The panel as Grafana has it. */
export function renderPanel(panel: Panel, id: number, place: { x: number; y: number }): object {
  const { title, description, type, unit, queries, limit, width, height = 8 } = panel;
  const isGraph = type === 'timeseries';
  return {
    id,
    type,
    title,
    description,
    datasource,
    gridPos: { h: height, w: width, ...place },
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: thresholds(limit),
        color: { mode: isGraph ? 'palette-classic' : 'thresholds' },
        ...(isGraph
          ? { custom: { fillOpacity: 10, thresholdsStyle: { mode: limit === undefined ? 'off' : 'line' } } }
          : {}),
      },
      overrides: [],
    },
    options: isGraph
      ? { legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] } }
      : type === 'state-timeline'
        ? { showValue: 'never', legend: { displayMode: 'list', placement: 'bottom' } }
        : { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, orientation: 'auto' },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      range: isGraph || type === 'state-timeline',
      instant: !isGraph && type !== 'state-timeline',
    })),
  };
}

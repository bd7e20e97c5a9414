import { expect, test } from 'vitest';
import { namedMetrics } from './named-metrics.ts';

test.each([
  ['osforge_x', [{ name: 'osforge_x', labels: [] }]],
  ['sum by (a, le) (rate(x_bucket{b="c_d", e!~"f"}[5m])) > 1e3', [{ name: 'x_bucket', labels: ['b', 'e'] }]],
  [
    'deriv(a:b:min1h[6h]) * 3600 > 500e3 and on (job) (time() - y{job=~"z.*"} > 7)',
    [
      { name: 'a:b:min1h', labels: [] },
      { name: 'y', labels: ['job'] },
    ],
  ],
  [
    '(a > 0) or (increase(b[10m]) > 0)',
    [
      { name: 'a', labels: [] },
      { name: 'b', labels: [] },
    ],
  ],
])('the metrics of %s', (expression, expected) => {
  expect(namedMetrics(expression)).toEqual(expected);
});

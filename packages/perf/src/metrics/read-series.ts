import type { CounterSeries } from './counter.ts';
import type { BucketSeries, ValueSeries } from './family.ts';
import type { GaugeSeries } from './gauge.ts';
import type { HistogramSeries } from './histogram.ts';
import type { BoundSeries } from './series-map.ts';

/** A series of a counter or gauge as it is now. */
export function valueOf(series: BoundSeries<CounterSeries | GaugeSeries>): ValueSeries {
  const { labelValues, labelText, instrument } = series;
  return { labelValues, labelText, value: instrument.value };
}

/** A series of a histogram as it is now. */
export function bucketsOf(series: BoundSeries<HistogramSeries>): BucketSeries {
  const { labelValues, labelText, instrument } = series;
  return { labelValues, labelText, ...instrument.buckets(), sum: instrument.sum };
}

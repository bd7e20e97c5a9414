import type { JsonObject } from './json.ts';

/** The events of a bus: the name of each type and the shape of its data. */
export type EventMap = Record<string, JsonObject>;

/** The names of the events in `M`. */
export type EventName<M extends EventMap> = keyof M & string;

/** The envelope of every event. It is frozen, data included, and fit for JSON as it is. */
export interface BusEvent<T extends string = string, D extends JsonObject = JsonObject> {
  /** Version of the envelope. */
  readonly v: 1;
  /** Grows by one with each event of a bus; the order of events, also where clocks jump. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds: `2026-01-31T12:00:00.000Z`. */
  readonly time: string;
  /** Who published it: a package, a phase, a device. */
  readonly source: string;
  readonly type: T;
  /** The build it belongs to; absent if the bus was made without one. */
  readonly buildId?: string;
  readonly data: D;
}

/** The event of the type(s) `T`. A union, so that `event.type` narrows `event.data`. */
export type EventOf<M extends EventMap, T extends EventName<M> = EventName<M>> = {
  [K in T]: BusEvent<K, M[K]>;
}[T];

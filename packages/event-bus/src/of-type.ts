import { filter, type OperatorFunction } from 'rxjs';

import type { BusEvent } from './event.ts';

/** Operator: lets the events of these types through, and narrows. `select` does the same at less cost. */
export function ofType<E extends BusEvent, T extends E['type']>(
  ...types: readonly T[]
): OperatorFunction<E, Extract<E, { readonly type: T }>> {
  const names: ReadonlySet<string> = new Set(types);
  return filter((event: E): event is Extract<E, { readonly type: T }> => names.has(event.type));
}
